"""What the workflows are started with. Stored as JSON for as long as the operation lives."""

from jobs.models import DrainOptions, DrainRequest, Frozen, Requirements


class OperationInput(Frozen):
    """An operation, as it was asked for; `requester` is `team:user`."""

    request: DrainRequest
    requester: str
    requirements: Requirements = Requirements()


class DrainInput(Frozen):
    """The drain of one node within an operation."""

    operation: str
    node: str
    uid: str
    options: DrainOptions = DrainOptions()
    requirements: Requirements = Requirements()
    requester: str
    reason: str = ""


class GiveBackInput(Frozen):
    """A node that is to be given back; `requester` is `team:user`."""

    cluster: str
    node: str
    requester: str
    channel: str = ""
