import json
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from slack_sdk import WebClient

from sandbox.processes import Process
from sandbox.slack import App, PersonError, Slack, User, Workspace, demo_workspace

ROOT = Path(__file__).parents[3]


def test_it_runs_as_a_process_with_a_workspace_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "workspace.json"
    changed = demo_workspace().model_copy(update={"domain": "from-a-file"})
    file.write_text(json.dumps(changed.model_dump(mode="json")))
    command = [sys.executable, "-m", "sandbox.slack", "--workspace", str(file)]
    with Process(command, cwd=ROOT) as process:
        slack = Slack(process.wait_for_line(r"Slack: (http://127\.0\.0\.1:\d+)").group(1))
        token = slack.workspace().apps[0].bot_token
        client = WebClient(token=token, base_url=slack.api_url)
        assert client.auth_test()["team"] == "from-a-file"
        assert process.stop() == -15


def test_the_demos_workspace_survives_json() -> None:
    workspace = demo_workspace()
    assert Workspace.model_validate_json(workspace.model_dump_json()) == workspace


@pytest.mark.parametrize(
    "workspace",
    [
        {"users": (User(id="U1", name="ana"), User(id="U2", name="ana"))},
        {"apps": (App(), App(id="A2", name="other"))},
        {"apps": ()},
    ],
)
def test_an_ambiguous_workspace_is_refused(workspace: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Workspace.model_validate(workspace)


def test_a_mistaken_control_is_told_apart(slack: Slack) -> None:
    with pytest.raises(PersonError, match="there is no such action; there are advance, calls"):
        slack._ask("fly", {})
    with pytest.raises(PersonError, match="missing a required argument: 'channel'"):
        slack._ask("slash", {"user": "ana"})
    with pytest.raises(PersonError, match="there is no app"):
        slack.configure("nobody")
