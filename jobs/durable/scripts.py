"""Loads the Lua scripts and calls them. Every change of durable state goes through one of them."""

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script

from jobs.durable.doorbell import template

_PACKAGE = "jobs.durable"
_COMMON = ("_common", "_questions")  # in front of every script


@cache
def source(name: str, package: str = _PACKAGE) -> str:
    """Return the text of one file of a package's `lua/`."""
    return resources.files(package).joinpath("lua", f"{name}.lua").read_text()


def compose(name: str, doorbell: dict[str, Any], package: str = _PACKAGE) -> str:
    """Return a script as it is sent: the doorbell's template, the common parts, its own part."""
    literal = json.dumps(doorbell, sort_keys=True)
    head = f"local DOORBELL = [==[{literal}]==]"
    common = [source(part) for part in _COMMON]
    if package != _PACKAGE:
        common.append(source("_common", package))
    return "\n".join((head, *common, source(name, package)))


class Scripts:
    """The scripts, loaded once per connection; a server that lost them gets them again.

    `clock` gives milliseconds since the epoch and is for tests only: scripts use Redis' own time.
    Another `package` may bring scripts of its own: they share the common part, and so the fence,
    and have one of their own after it.
    """

    def __init__(
        self,
        redis: Redis,
        clock: Callable[[], int] | None = None,
        *,
        package: str = _PACKAGE,
    ) -> None:
        self._redis = redis
        self._package = package
        self._clock = clock
        self._doorbell = template(redis)
        self._loaded: dict[str, Script] = {}

    def call(self, name: str, /, **arguments: Any) -> dict[str, Any]:
        """Run a script with one JSON argument and return its JSON reply."""
        script = self._loaded.get(name)
        if script is None:
            script = self._redis.register_script(compose(name, self._doorbell, self._package))
            self._loaded[name] = script
        sent = {key: value for key, value in arguments.items() if value is not None}
        sent["now"] = self._clock() if self._clock else 0
        return cast("dict[str, Any]", json.loads(script(args=[json.dumps(sent)])))
