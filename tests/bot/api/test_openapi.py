"""The whole API against its own OpenAPI document, with whatever Schemathesis thinks of.

`API_EXAMPLES=200` has it think longer.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bot.api.calling import Api, token_of
from tests.jobs.story import Story, block

EXAMPLES = os.environ.get("API_EXAMPLES", "5")
# What one run looks at: each tag once, and the runs about as long as each other.
TAGS = (
    ("operations",),
    ("questions",),
    ("webhooks", "orphans"),
    ("nodes", "people"),
    ("clusters", "audit"),
)
# Beside what it expects anyway: a body may be too large; names that fit a schema may be nobody's,
# which is said of a body with 422, as of a key that came with another wish.
_EXPECTED = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 422, 429, "5xx"]
[[operations]]
include-path-regex = "^/(operations|nodes/.*|clusters/[^/]*/orphans)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 422, 429, "5xx"]
"""
_KNOWN = """
[[operations]]
include-path-regex = "/{of}/.*"
parameters."path.id" = "{id}"
"""


@pytest.fixture
def described(story: tuple[Story, Api], tmp_path: Path) -> tuple[Api, Path]:
    """An API with an operation that has ended, and another one's question, both known by id."""
    told, api = story
    ended = told.submit("node-3")
    told.finish(ended)
    block(told)
    question = told.question(told.submit("node-1"))
    known = _KNOWN.format(of="operations", id=ended) + _KNOWN.format(of="questions", id=question.id)
    (tmp_path / "schemathesis.toml").write_text(_EXPECTED + known, encoding="utf-8")
    return api, tmp_path


def look(described: tuple[Api, Path], *arguments: str) -> None:
    """Run Schemathesis; its own report is what a failure shows."""
    api, folder = described
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.url}/openapi.json",
        "--header", f"Authorization: Bearer {token_of('ana')}", "--checks", "all",
        "--max-examples", EXAMPLES, "--generation-deterministic", "--continue-on-failure",
        "--request-timeout", "10", "--no-color", *arguments,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert "Tested: 0" not in done.stdout


@pytest.mark.timeout(400)
@pytest.mark.parametrize("tags", TAGS, ids=",".join)
def test_nothing_is_found_in_what_is_said_of(
    described: tuple[Api, Path], tags: tuple[str, ...]
) -> None:
    chosen = [word for tag in tags for word in ("--include-tag", tag)]
    look(described, *chosen, "--phases", "examples,coverage,fuzzing")


@pytest.mark.timeout(400)
def test_nothing_is_found_in_what_follows_from_one_another(described: tuple[Api, Path]) -> None:
    # An event stream of an operation that goes on does not end; its own tests read those.
    look(described, "--exclude-path-regex", "/events$", "--phases", "stateful")


def test_the_document_tells_what_every_address_answers(api: Api) -> None:
    document: dict[str, Any] = api.get("/openapi.json", by="").json
    assert len(document["paths"]) > 15
    named = {
        tag for path in document["paths"].values() for each in path.values() for tag in each["tags"]
    }
    assert named == {tag for tags in TAGS for tag in tags}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            assert any(status.startswith("2") for status in answers), (method, path)
            errors = {status: each for status, each in answers.items() if status >= "4"}
            assert set(errors) >= {"401", "413", "422", "429", "500", "503"}, (method, path)
            kinds = {kind for each in errors.values() for kind in each["content"]}
            assert kinds == {"application/problem+json"}
