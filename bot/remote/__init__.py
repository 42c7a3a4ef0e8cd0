"""drainbot over its HTTP API, for the command line with `--server`.

Nothing is judged here: what the API answers becomes the value that the service itself would have
returned, so that the command line says the same words of it.
"""

from bot.remote.client import RemoteClient
from bot.remote.wire import ServerAwayError, UnrecognizedError

__all__ = ["RemoteClient", "ServerAwayError", "UnrecognizedError"]
