"""Errors that cross the border of `jobs`.

DrainbotError
├── ConfigError          a setting, policy or guardrails file is missing or wrong
└── StateUnavailable     Redis can't be reached: nothing is known of what was recorded
"""


class DrainbotError(Exception):
    """The base of drainbot's own errors; its text is a sentence for a person."""


class ConfigError(DrainbotError):
    """A setting or a file is missing or wrong; the program can't start with it."""


class StateUnavailable(DrainbotError):  # noqa: N818  (it names a state of the world, as in design.md)
    """Redis can't be reached. Whether the act was recorded is unknown; repeating it is safe."""
