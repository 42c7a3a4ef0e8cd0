"""Whether the worker's credentials allow what a drain needs, and not much more.

Asked of the API server itself, with SelfSubjectAccessReviews: every authenticated client may
(https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access).
"""

from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime

from jobs.doctor.findings import Finding, ok, unknown, unsafe
from jobs.kubernetes import ClusterConfigError, KubernetesError, Unauthorized, connect
from jobs.kubernetes.access import may
from jobs.kubernetes.rights import RIGHTS, Right

PART = "cluster"
# What a stolen worker must not be able to do: none of it is ever needed.
TOO_MUCH = (
    Right("get", "", "secrets"),
    Right("create", "", "pods"),
    Right("delete", "", "nodes"),
    Right("create", "rbac.authorization.k8s.io", "clusterrolebindings"),
)
_MANIFEST = "manifests/base/rbac.yaml"


def examine_cluster(kubeconfig: str | None) -> tuple[list[Finding], int | None]:
    """Look at the cluster of a kubeconfig (None: the one this runs in), and at its time (ms)."""
    try:
        cluster = connect(kubeconfig, pool=1)
    except ClusterConfigError as error:
        return [unsafe(PART, str(error), "Set KUBECONFIG as the worker has it.")], None
    try:
        answer = cluster.send("GET", "/version", timeout=5.0)
        version = answer.body.get("gitVersion", "?") if isinstance(answer.body, dict) else "?"
        allowed = {right: may(cluster, right) for right in (*sorted(RIGHTS), *TOO_MUCH)}
    except Unauthorized as error:
        return [unsafe(PART, str(error), "Give the worker a token that is still valid.")], None
    except KubernetesError as error:
        mend = "Is the API server up, and reachable from here?"
        return [unknown(PART, f"it does not answer: {error}", mend)], None
    finally:
        cluster.close()
    found = [ok(PART, f"the API server answers, version {version}"), *judge_rights(allowed)]
    return found, _date(answer.headers)


def judge_rights(allowed: Mapping[Right, bool]) -> list[Finding]:
    """Judge which rights are granted: all that are needed, and none of those that are too much."""
    missing = [right for right in sorted(RIGHTS) if not allowed.get(right)]
    excess = [right for right in TOO_MUCH if allowed.get(right)]
    found = []
    if missing:
        found.append(unsafe(PART, f"rights are missing: {_words(missing)}", f"Apply {_MANIFEST}."))
    else:
        found.append(ok(PART, f"all {len(RIGHTS)} rights are granted"))
    if excess:
        mend = f"Bind the worker to the ClusterRole of {_MANIFEST} alone."
        found.append(unsafe(PART, f"more is allowed than needed: {_words(excess)}", mend))
    else:
        found.append(ok(PART, "nothing dangerous beyond them"))
    return found


def _words(rights: Iterable[Right]) -> str:
    return ", ".join(
        f"{right.verb} {right.resource}{f' in {right.group}' if right.group else ''}"
        for right in rights
    )


def _date(headers: Mapping[str, str]) -> int | None:
    told = next((value for key, value in headers.items() if key.lower() == "date"), None)
    try:
        return None if told is None else int(parsedate_to_datetime(told).timestamp() * 1000)
    except ValueError:
        return None
