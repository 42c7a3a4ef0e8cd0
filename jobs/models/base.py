"""The one base of all values: frozen, and strict about unknown fields."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: immutable, compared by content, refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
