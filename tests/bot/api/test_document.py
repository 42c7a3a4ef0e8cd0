"""What docs/http.md shows works as it stands there."""

import re
import shutil
import subprocess

import pytest

from tests.bot.api.calling import Api, token_of
from tests.bot.running import ROOT
from tests.jobs.story import Story, block

TEXT = (ROOT / "docs" / "http.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_example_is_answered_well(story: tuple[Story, Api]) -> None:
    told, api = story
    block(told)
    operation = told.submit("node-1")
    question = told.question(operation)
    env = {
        "PATH": "/usr/bin:/bin:/usr/local/bin", "NO_PROXY": "127.0.0.1", "API": api.url,
        "TOKEN": token_of("ana"), "OPERATION": operation, "QUESTION": question.id,
        "CLUSTER": "test",
    }  # fmt: skip
    for number, example in enumerate(BLOCKS):
        # In the document the node is free; here the question's operation has it.
        sent = example.replace('["node-1"]', '["node-2"]').replace("curl -sS", "curl -sS --fail")
        done = subprocess.run(
            ["bash", "-e", "-c", sent], env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (number, sent, done.stdout, done.stderr)
        assert done.stdout


def test_what_the_document_names_is_there(api: Api) -> None:
    there = set(api.get("/openapi.json", by="").json["paths"])
    named = {path.replace("NAME", "{name}") for path in re.findall(r"`(/nodes/NAME/\w+)`", TEXT)}
    assert len(named) == 3
    assert named <= there


def test_every_status_that_is_answered_stands_in_the_document(api: Api) -> None:
    document = api.get("/openapi.json", by="").json
    answered = {
        status
        for methods in document["paths"].values()
        for operation in methods.values()
        for status in operation["responses"]
        if status not in {"200", "201", "400", "500"}
    }
    assert [status for status in sorted(answered) if status not in TEXT] == []
