"""The options of a drain, named as kubectl names its flags."""

from pydantic import Field

from jobs.models.base import Frozen


class DrainOptions(Frozen):
    """kubectl's options of a drain, with kubectl's meaning; durations in seconds.

    `grace_period` -1 leaves each pod its own. `timeout` 0 leaves the policy's `node_timeout`.
    `skip_wait_for_delete_timeout` 0 waits for every terminating pod.

    The last five are drainbot's own. `no_wait_volumes`: drained even while volumes are attached.
    `expect_gone`: a node that disappears counts as drained. `max_failures`: after more nodes than
    that ended undrained no other one begins; -1 is no limit. `canary` nodes go first, alone, and
    the rest only `soak` seconds after them; 0 is none.
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
