"""What the API server's errors mean to a workflow: try again later, or never."""

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.durable import PermanentError, TemporaryError
from jobs.kubernetes import KubernetesError, Temporary


@contextmanager
def asking_cluster(otherwise: str = "") -> Iterator[None]:
    """Turn what passes into :class:`TemporaryError`, all else into :class:`PermanentError`.

    `otherwise` says what can't be done then; the server's own words follow it.
    """
    try:
        yield
    except Temporary as error:
        raise TemporaryError(str(error), delay=error.retry_after) from error
    except KubernetesError as error:
        raise PermanentError(f"{otherwise}: {error}" if otherwise else str(error)) from error
