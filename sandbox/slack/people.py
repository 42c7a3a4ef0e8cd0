"""What people do in Slack's window, and what they see there.

A press is made on a button that is really there: in the current blocks of a message that the person
can see. What only a forged or outdated request could do has calls of its own.
"""

from typing import Any

from sandbox.slack.blockkit import elements_of
from sandbox.slack.deliveries import Courier, Delivery, Forgery
from sandbox.slack.errors import PersonError
from sandbox.slack.forms import choice_of
from sandbox.slack.payloads import (
    block_actions_in_message,
    event_callback,
    message_event,
    slash_command,
)
from sandbox.slack.render import message_json
from sandbox.slack.state import Message, State
from sandbox.slack.workspace import App, Channel, User

__all__ = ["People", "action_of", "find_element"]


class People:
    """Commands, presses and messages of people."""

    def __init__(self, state: State, courier: Courier, base_url: str) -> None:
        self._state = state
        self._courier = courier
        self._base_url = base_url

    async def slash(
        self,
        user: str,
        channel: str,
        command: str,
        text: str = "",
        *,
        forgery: Forgery | None = None,
    ) -> Delivery:
        """Send a slash command. Threads have none, so there is no thread to name."""
        person = self.person(user)
        place = self._channel_of(person, channel)
        app = next((a for a in self._state.apps.values() if command in a.commands), None)
        if app is None:
            raise PersonError(f"{command} is not a valid command")
        fields = slash_command(self._state, self._base_url, app, person, place, command, text)
        return await self._courier.deliver(app, "slash_commands", fields, forgery=forgery)

    async def click(
        self,
        user: str,
        channel: str,
        ts: str,
        button: str,
        *,
        block_id: str | None = None,
        forgery: Forgery | None = None,
    ) -> Delivery:
        """Press the button of that action_id or text; what it wants confirmed is confirmed."""
        person = self.person(user)
        message = self._visible(person, channel, ts)
        block, element = find_element(message.blocks, button, "button", block_id)
        return await self._press(person, message, action_of(block, element), forgery=forgery)

    async def choose(self, user: str, channel: str, ts: str, element: str, value: Any) -> Delivery:
        """Choose in a select, an overflow menu, radio buttons, checkboxes or a picker."""
        person = self.person(user)
        message = self._visible(person, channel, ts)
        block, found = find_element(message.blocks, element, None, None)
        action = action_of(block, found) | choice_of(found, value)
        return await self._press(person, message, action)

    async def click_stale(
        self, user: str, message: dict[str, Any], channel: str, button: str
    ) -> Delivery:
        """Press a button in an earlier copy of a message: a window that was not updated yet."""
        person = self.person(user)
        place = self._channel_of(person, channel)
        stored = self._state.messages.get((place.id, message["ts"])) or _as_stored(place, message)
        block, element = find_element(message.get("blocks", []), button, "button", None)
        return await self._press(person, stored, action_of(block, element), shown=message)

    async def click_forged(
        self, user: str, channel: str, ts: str, action: dict[str, Any]
    ) -> Delivery:
        """Send a press of a button that never was, with a good signature."""
        person = self.person(user)
        message = self._visible(person, channel, ts)
        return await self._press(person, message, action)

    async def say(
        self, user: str, channel: str, text: str, thread_ts: str | None = None
    ) -> list[Delivery]:
        """Write a message; apps that subscribed to `message` get the event."""
        person = self.person(user)
        place = self._channel_of(person, channel)
        message = Message(
            channel=place.id,
            ts=self._state.new_ts(),
            author=person.id,
            app=None,
            text=text,
            blocks=[],
            thread_ts=thread_ts,
        )
        self._state.messages[place.id, message.ts] = message
        event = message_event(message, person, self._state.workspace.team)
        members = [a for a in self._state.apps.values() if a.bot_user in place.members]
        return [await self.event(app.id, event) for app in members if "message" in app.events]

    async def event(self, app: str, event: dict[str, Any]) -> Delivery:
        """Deliver any event of the Events API."""
        to = self._state.app(app)
        return await self._courier.deliver(to, "events_api", event_callback(self._state, to, event))

    # What they see

    def messages(self, channel: str, user: str | None = None) -> list[dict[str, Any]]:
        """Return the channel's own messages, oldest first, as that person (or anybody) sees it."""
        place = self._place(channel, user)
        shown = [m for m in self._state.in_channel(place.id) if m.top_level]
        return [message_json(self._state, m) for m in shown]

    def thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        """Return a message with its replies, oldest first."""
        place = self._state.channel(channel)
        return [message_json(self._state, m) for m in self._state.thread(place.id, ts)]

    def ephemerals(self, user: str) -> list[dict[str, Any]]:
        """Return what only this person sees, oldest first, each with its channel."""
        person = self._state.user(user)
        return [
            message_json(self._state, m) | {"channel": m.channel}
            for m in self._state.ephemerals.values()
            if m.only_for == person.id
        ]

    # Shared with modals

    def person(self, user: str) -> User:
        """Return somebody who can do things; raises PersonError for a deactivated one."""
        person = self._state.user(user)
        if person.deactivated:
            raise PersonError(f"{person.name} is deactivated")
        return person

    def _place(self, channel: str, user: str | None) -> Channel:
        if user is None:
            return self._state.channel(channel)
        return self._readable_channel(self._state.user(user), channel)

    def _channel_of(self, person: User, channel: str) -> Channel:
        place = self._state.channel(channel)
        if person.id not in place.members:
            raise PersonError(f"{person.name} is not in #{place.name}")
        if place.archived:
            raise PersonError(f"#{place.name} is archived")
        return place

    def _readable_channel(self, person: User, channel: str) -> Channel:
        place = self._state.channel(channel)
        outsider = person.guest or person.team not in {None, self._state.workspace.team}
        if person.id not in place.members and (place.private or outsider):
            raise PersonError(f"{person.name} can't see #{place.name}")
        return place

    def _visible(self, person: User, channel: str, ts: str) -> Message:
        place = self._readable_channel(person, channel)
        message = self._state.messages.get((place.id, ts))
        if message is None:
            own = self._state.ephemerals.get((place.id, ts))
            message = own if own is not None and own.only_for == person.id else None
        if message is None:
            raise PersonError(f"{person.name} sees no message {ts} in #{place.name}")
        return message

    async def _press(
        self,
        person: User,
        message: Message,
        action: dict[str, Any],
        *,
        shown: dict[str, Any] | None = None,
        forgery: Forgery | None = None,
    ) -> Delivery:
        app = self._app_of(message)
        payload = block_actions_in_message(
            self._state, self._base_url, app, person, message, action, shown=shown
        )
        return await self._courier.deliver(app, "interactive", payload, forgery=forgery)

    def _app_of(self, message: Message) -> App:
        if message.app is None:
            raise PersonError(f"the message {message.ts} is not an app's")
        return self._state.apps[message.app]


def _as_stored(place: Channel, message: dict[str, Any]) -> Message:
    return Message(
        channel=place.id,
        ts=message["ts"],
        author=message["user"],
        app=message.get("app_id"),
        text=message["text"],
        blocks=message.get("blocks", []),
        thread_ts=message.get("thread_ts"),
    )


def find_element(
    blocks: list[dict[str, Any]], name: str, kind: str | None, block_id: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return block and element of that action_id or visible text; raises PersonError.

    ``kind`` and ``block_id`` narrow it down; a name that fits several is refused.
    """
    there = [
        (block, element)
        for block in blocks
        for element in elements_of(block)
        if kind in {None, element["type"]}
    ]
    found = [
        (block, element)
        for block, element in there
        if name in {element["action_id"], _label(element)} and block_id in {None, block["block_id"]}
    ]
    if len(found) == 1:
        return found[0]
    if found:
        at = ", ".join(block["block_id"] for block, _ in found)
        raise PersonError(f"{name!r} is there {len(found)} times: name one of the blocks {at}")
    names = ", ".join(f"{each['action_id']} ({_label(each)})" for _, each in there) or "nothing"
    raise PersonError(f"there is no {name!r} to press; there is {names}")


def _label(element: dict[str, Any]) -> str:
    text = element.get("text") or element.get("placeholder") or {}
    return str(text.get("text", ""))


def action_of(block: dict[str, Any], element: dict[str, Any]) -> dict[str, Any]:
    """Return the entry of `actions` for a press on that element."""
    kept = ("type", "action_id", "text", "value", "url", "style", "placeholder")
    return {"block_id": block["block_id"]} | {k: element[k] for k in kept if k in element}
