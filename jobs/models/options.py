"""The options of a drain, named as kubectl names its flags."""

from typing import Literal

from pydantic import Field

from jobs.models.base import Frozen


class DrainOptions(Frozen):
    """kubectl's options of a drain, with kubectl's meaning; durations in seconds.

    `grace_period` -1 leaves each pod its own. `timeout` 0 leaves the policy's `node_timeout`.
    `skip_wait_for_delete_timeout` 0 waits for every terminating pod.

    The others are drainbot's own. `no_wait_volumes`: drained even while volumes are attached.
    `expect_gone`: a node that disappears counts as drained. `max_failures`: after more nodes than
    that ended undrained no other one begins; -1 is no limit. `canary` nodes go first, alone, and
    the rest only `soak` seconds after them; 0 is none. `then` "wait": each node is kept out of
    service until its maintenance is done, and then returned; `expected` is how long that should
    take, 0 where nobody said.
    """

    force: bool = False
    delete_emptydir_data: bool = False
    ignore_daemonsets: bool = True
    grace_period: int = Field(default=-1, ge=-1)
    timeout: int = Field(default=0, ge=0)
    pod_selector: str = ""
    skip_wait_for_delete_timeout: int = Field(default=0, ge=0)
    disable_eviction: bool = False
    no_wait_volumes: bool = False
    expect_gone: bool = False
    max_failures: int = Field(default=-1, ge=-1)
    canary: int = Field(default=0, ge=0)
    soak: int = Field(default=0, ge=0)
    then: Literal["", "wait"] = ""
    expected: int = Field(default=0, ge=0)

    @property
    def whole_life(self) -> bool:
        """Whether a node is over only when it is back in service."""
        return self.then == "wait"
