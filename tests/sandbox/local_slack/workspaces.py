"""The workspace that the local Slack is tested with."""

from sandbox.slack import Workspace, demo_workspace


def workspace(*, request_url: str | None = None) -> Workspace:
    """The demo's, its app by Socket Mode or at the given address."""
    demo = demo_workspace()
    settings = {"socket_mode": request_url is None, "request_url": request_url}
    app = demo.apps[0].model_copy(update=settings)
    return demo.model_copy(update={"apps": (app,)})
