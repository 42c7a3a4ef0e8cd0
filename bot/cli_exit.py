"""How commands end: one line on standard error, and a code that scripts can rely on."""

import sys
from typing import NoReturn

import typer

__all__ = ["AWAY", "DONE", "INTERRUPTED", "NOT_AS_ASKED", "REFUSED", "USAGE", "Exit", "fail"]

DONE, NOT_AS_ASKED, USAGE, REFUSED, AWAY = 0, 1, 2, 3, 4
INTERRUPTED = 130  # as shells count: 128 and the number of SIGINT

Exit = typer.Exit


def fail(message: str, code: int) -> NoReturn:
    """End the process with a line for a person, and a code for a script."""
    sys.stderr.write(f"drainbot: {message}\n")
    sys.stderr.flush()
    sys.exit(code)
