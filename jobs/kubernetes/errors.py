"""What the API server's answers mean to whoever asked, for all calls but evictions.

KubernetesError
├── Temporary       5xx, 429, a broken connection, a time-out: try again after `retry_after` s
├── NotFound        404
├── Conflict        409: the object has changed since it was read
├── Expired         410: too old a resourceVersion; list again
├── Forbidden       403: `right` names what is missing, like `patch nodes`
├── Unauthorized    401: the credentials are not taken
└── Rejected        any other 4xx: the request is wrong, and stays wrong
ClusterConfigError  no cluster can be reached with the settings (at the start)
"""

from jobs.errors import ConfigError, DrainbotError


class KubernetesError(DrainbotError):
    """The base; its text says what was asked of what, and what the server said."""


class Temporary(KubernetesError):  # noqa: N818  (kinds of answers, not of bugs)
    """Worth another try, after `retry_after` seconds.

    Soon where nobody answered: that spares no server, and its return is to be noticed.
    """

    def __init__(self, message: str, *, retry_after: float = 0.5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(KubernetesError):  # noqa: N818
    """There is no such object."""


class Conflict(KubernetesError):  # noqa: N818
    """The object has changed since it was read."""


class Expired(KubernetesError):  # noqa: N818
    """The resourceVersion is too old: list again."""


class Forbidden(KubernetesError):  # noqa: N818
    """A right is missing; `right` names it where the server does."""

    def __init__(self, message: str, *, right: str = "") -> None:
        super().__init__(message)
        self.right = right


class Unauthorized(KubernetesError):  # noqa: N818
    """The credentials are not taken."""


class Rejected(KubernetesError):  # noqa: N818
    """The server does not have the request as it is."""


class ClusterConfigError(ConfigError):
    """No cluster can be reached with these settings."""
