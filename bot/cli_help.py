"""The part of `drainbot --help` that lists the settings, made from their models."""

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from bot.settings import BotSettings, ClientSettings, Settings, WorkerSettings, all_fields

__all__ = ["settings_help"]

_USERS: tuple[tuple[str, type[Settings]], ...] = (
    ("bot", BotSettings),
    ("worker", WorkerSettings),
    ("other commands", ClientSettings),
)


def settings_help() -> str:
    """Return one paragraph for each environment variable: what for, by whom, by default."""
    # \b keeps click from flowing the lines into one another.
    paragraphs = ["\b\nSettings, by environment variable:"]
    for variable, field in all_fields():
        users = [name for name, kind in _USERS if variable in dict(all_fields(kind))]
        who = "all" if len(users) == len(_USERS) else ", ".join(users)
        paragraphs.append(f"{variable} ({who}): {field.description} {_default(field)}".rstrip())
    paragraphs.append(
        "\b\nExit codes: 0 done (a plan: it was made, whatever it says); 1 not as asked (a node "
        "was not\ndrained, somebody else was first, no such operation); 2 wrong command, setting or"
        "\nfile; 3 refused; 4 Redis is away, or the server; 130 interrupted. With --server URL a "
        "\ncommand goes over HTTP instead of Redis; --json prints one object a line."
    )
    return "\n\n".join(paragraphs)


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return f"Required, for example {(field.examples or [''])[0]}."
    if field.default is None or field.default == "":
        return f"For example {field.examples[0]}." if field.examples else ""
    return f"Default: {field.default}."
