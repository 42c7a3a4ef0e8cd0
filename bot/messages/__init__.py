"""drainbot's messages: pure functions from the state of an operation to what people read.

`thread_of` renders all messages of an operation; `ephemeral` and `modals` hold what one person is
told or asked; `buttons` reads what comes back; `plain` says the same in a terminal.
"""

from bot.messages.audience import Audience
from bot.messages.message import METADATA_EVENT, Message, Priority
from bot.messages.thread import thread_of

__all__ = ["METADATA_EVENT", "Audience", "Message", "Priority", "thread_of"]
