"""The connection to one API server: requests, answers, streams. All HTTP goes through here.

The official client makes the requests (TLS, tokens and their renewal, proxies); its models are
left aside, because a drain reads thousands of pods and needs a dozen fields of each.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import urllib3
import yaml
from kubernetes import client, config

from jobs.drain.answers import missing_right, retry_after
from jobs.drain.brake import failing
from jobs.kubernetes.errors import (
    ClusterConfigError,
    Conflict,
    Expired,
    Forbidden,
    KubernetesError,
    NotFound,
    Rejected,
    Temporary,
    Unauthorized,
)
from jobs.kubernetes.tally import Tally

CONNECT_TIMEOUT = 3.0
TIMEOUT = 10.0
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
# What the client's loader raises for a file that is no kubeconfig: it checks little itself.
_UNREADABLE = (
    config.ConfigException,
    yaml.YAMLError,
    OSError,
    TypeError,
    KeyError,
    AttributeError,
    ValueError,
)
_OK, _UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 300, 401, 403, 500


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came; `body` is the decoded JSON (an empty object where there is none)."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Stream:
    """The lines of a watch, read in one thread; any other may :meth:`interrupt` it."""

    def __init__(self, response: urllib3.BaseHTTPResponse) -> None:
        self._response = response
        self._closed = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each event; ends when the server or :meth:`interrupt` ends the stream.

        Raises :class:`Temporary` for a connection that broke.
        """
        rest = b""
        try:
            for chunk in self._response.stream(65536, decode_content=True):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line:
                        yield json.loads(line)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            if not self._closed:
                raise Temporary(f"the watch broke: {error}", retry_after=0) from error
        finally:
            self.close()

    def interrupt(self) -> None:
        """Let the reading thread find the stream at its end; harmless when it has ended.

        Only the socket is shut down: closing a response under its reader breaks urllib3.
        """
        self._closed = True
        with contextlib.suppress(ValueError, RuntimeError, OSError):
            self._response.shutdown()

    def close(self) -> None:
        """Close the connection. For the reading thread alone."""
        self._closed = True
        self._response.close()


class Cluster:
    """One API server. Safe to share between threads; opens no connection until it is used.

    `tally` counts what its calls came to; a watch counts as the call that opens it.
    """

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        self.tally = Tally()

    def close(self) -> None:
        """Close all connections; it may be used again."""
        self._api.rest_client.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = JSON,
        timeout: float = TIMEOUT,
    ) -> Answer:
        """Send a request and return whatever the server answers.

        Raises :class:`Temporary` where no answer came; whether it was carried out is then unknown.
        """
        response = self._request(method, path, query, body, content_type, timeout)
        try:
            raw = response.read(decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.tally.note(failed=True)
            raise Temporary(f"{method} {path}: the answer broke off: {error}") from error
        finally:
            response.release_conn()
        return self._counted(Answer(response.status, dict(response.headers), _decode(raw)))

    def _counted(self, answer: Answer) -> Answer:
        self.tally.note(failed=failing(answer.status, answer.headers, answer.body))
        return answer

    def ask(self, method: str, path: str, **request: Any) -> Any:
        """Send a request and return the body of its success; raise what the answer means."""
        answer = self.send(method, path, **request)
        if answer.status >= _OK:
            raise meaning(method, path, answer)
        return answer.body

    def stream(self, path: str, query: Mapping[str, str], *, idle: float) -> Stream:
        """Open a watch; `idle` is after how many silent seconds it counts as broken."""
        response = self._request("GET", path, {"watch": "1", **query}, None, JSON, TIMEOUT)
        if response.status >= _OK:
            raw = response.read(decode_content=True)
            response.release_conn()
            answer = Answer(response.status, dict(response.headers), _decode(raw))
            raise meaning("WATCH", path, self._counted(answer))
        self.tally.note(failed=False)
        socket = getattr(response.connection, "sock", None)
        if socket is not None:
            socket.settimeout(idle)  # only the answer's beginning has to come soon
        return Stream(response)

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Any,
        content_type: str,
        timeout: float,
    ) -> urllib3.BaseHTTPResponse:
        prepared = self._api.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params={"Accept": JSON, "Content-Type": content_type},
            body=body,
            auth_settings=["BearerToken"],
        )
        try:
            answer = self._api.call_api(
                *prepared, _request_timeout=(min(CONNECT_TIMEOUT, timeout), timeout)
            )
        except (urllib3.exceptions.HTTPError, client.ApiException, OSError) as error:
            self.tally.note(failed=True)
            raise Temporary(f"{method} {path}: the API server did not answer: {error}") from error
        return cast("urllib3.BaseHTTPResponse", answer.response)


def connect(kubeconfig: str | None, *, pool: int) -> Cluster:
    """Return the cluster that a kubeconfig file names, or the one that this process runs in.

    `pool` is how many connections are kept: one for each thread that asks, and for each watch.
    Raises :class:`ClusterConfigError`.
    """
    settings = client.Configuration()
    try:
        if kubeconfig:
            if not Path(kubeconfig).is_file():
                raise ClusterConfigError(f"KUBECONFIG names {kubeconfig}, which is no file.")
            load: Any = config.load_kube_config  # the client leaves it untyped
            load(kubeconfig, client_configuration=settings, persist_config=False)
        else:
            config.load_incluster_config(client_configuration=settings)  # type: ignore[no-untyped-call]
    except _UNREADABLE as error:
        where = f"KUBECONFIG ({kubeconfig})" if kubeconfig else "the service account"
        hint = "" if kubeconfig else " Outside a cluster, set KUBECONFIG to a kubeconfig file."
        raise ClusterConfigError(f"{where} names no cluster: {error}.{hint}") from error
    settings.connection_pool_maxsize = pool
    settings.retries = False  # what is tried again is decided by whoever asked, with the uid
    api = client.ApiClient(settings)
    api.user_agent = "drainbot"  # as audit logs show it
    return Cluster(api)


def meaning(method: str, path: str, answer: Answer) -> KubernetesError:
    """Return the error that an answer is."""
    body = answer.body if isinstance(answer.body, dict) else {}
    said = str(body.get("message") or f"it answered {answer.status}")
    words = f"{method} {path}: {said}"
    wait = retry_after(answer.headers, body)
    if answer.status in {408, 429} or answer.status >= _SERVER_ERROR:
        return Temporary(words, retry_after=1.0 if wait is None else wait)
    if answer.status == _FORBIDDEN:
        return Forbidden(said, right=missing_right(said))
    if answer.status == _UNAUTHORIZED:
        return Unauthorized("The API server does not take drainbot's credentials.")
    kinds: dict[int, type[KubernetesError]] = {404: NotFound, 409: Conflict, 410: Expired}
    return kinds.get(answer.status, Rejected)(words)


def segment(text: str) -> str:
    """Return a name as one segment of a path."""
    return quote(text, safe="")


def _decode(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else {}
    except ValueError:
        return {}
