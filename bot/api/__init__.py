"""drainbot over HTTP: what people can do in Slack, for programs; one file for each resource.

A route reads what was sent, acts through :mod:`bot.commands` as every way in does, and answers what
became of it, in the same words. It keeps no state: any copy of the bot answers any request.
"""

from bot.api.callers import Parts
from bot.api.feed import Feed
from bot.api.limits import Limits
from bot.api.running import running

__all__ = ["Feed", "Limits", "Parts", "running"]
