"""VolumeAttachments: which volume is on which node. They can't be selected by node."""

from sandbox.cluster.kinds.base import Kind
from sandbox.cluster.objects import Json
from sandbox.cluster.store import Store

__all__ = ["KIND"]

_DETACHED: Json = {"attached": False}


def _begin(_store: Store, body: Json) -> Json:
    return {**body, "status": _DETACHED}


KIND = Kind(
    begin=_begin,
    empty={"spec": {"attacher": "", "source": {}, "nodeName": ""}, "status": _DETACHED},
)
