"""Events: what a component tells about an object."""

from sandbox.cluster.kinds.base import NAME_FIELDS, Kind, nested, unsupported_label
from sandbox.cluster.objects import Json
from sandbox.cluster.store import Store

__all__ = ["KIND"]

_UNSET: Json = {
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}


def _begin(_store: Store, body: Json) -> Json:
    return {"source": {}, **_UNSET, **body}


KIND = Kind(
    begin=_begin,
    fields={
        **NAME_FIELDS,
        "reason": nested("reason"),
        "type": nested("type"),
        "reportingComponent": nested("reportingComponent"),
        "source": nested("source", "component"),
        **{
            f"involvedObject.{name}": nested("involvedObject", name)
            for name in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion")
        },
    },
    unknown_field=unsupported_label,
    empty={"involvedObject": {}, "source": {}, **_UNSET},
)
