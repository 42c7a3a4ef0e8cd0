"""Webhooks are listed and taken back; what is done with one stands in the audit log."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.models import QuestionView
from tests.bot.api.calling import Api
from tests.bot.api.test_questions import Told, asked, made
from tests.bot.api.ways import file_of
from tests.bot.test_cli_server import shell


def listed(api: Api, **how: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/clusters/test/webhooks", **how).json["webhooks"]
    return found


def revoke(api: Api, id: str, *, by: str = "bo") -> Any:
    return api.call("DELETE", f"/clusters/test/webhooks/{id}", by=by)


def audited(api: Api) -> list[tuple[str, str, str]]:
    entries = api.get("/clusters/test/audit").json["entries"]
    return [
        (entry["what"], entry["by"], entry["choice"])
        for entry in entries
        if entry["what"].startswith("webhook")
    ]


def no_vote(told: Any, question: QuestionView) -> bool:
    view = told.service.question(question.id)
    return view is not None and not view.votes


def test_a_list_tells_whose_it_is_and_what_for_and_never_the_word(story: Told) -> None:
    told, api = story
    question = asked(told)
    answer = made(api, question).json
    (shown,) = listed(api)
    assert (shown["id"], shown["question"], shown["choice"], shown["user"]) == (
        answer["id"], question.id, "skip", "U02BO",
    )  # fmt: skip
    assert shown["expires_at"] == answer["expires_at"]
    assert answer["path"].rpartition("/")[2] not in json.dumps(listed(api))


def test_one_that_is_revoked_settles_nothing(story: Told) -> None:
    told, api = story
    question = asked(told)
    answer = made(api, question).json
    taken = revoke(api, answer["id"]).json
    assert taken["webhook"]["revoked_by"] == "T01:U02BO"
    assert "is revoked" in taken["message"]
    used = api.post(answer["path"], by="")
    assert (used.status, used.problem["code"]) == (410, "revoked")
    assert no_vote(told, question)


def test_twice_does_no_harm_and_who_was_first_stays(story: Told) -> None:
    told, api = story
    id = made(api, asked(told)).json["id"]
    assert revoke(api, id).status == 200
    assert revoke(api, id, by="ana").json["webhook"]["revoked_by"] == "T01:U02BO"
    assert audited(api) == [
        ("webhook_made", "T01:U02BO", "skip"), ("webhook_revoked", "T01:U02BO", "skip"),
    ]  # fmt: skip


def test_who_may_answer_so_themselves_may_revoke_it_and_nobody_else(story: Told) -> None:
    told, api = story
    id = made(api, asked(told)).json["id"]
    for by in ("eve", "ana.read", "ana.request"):
        assert revoke(api, id, by=by).problem["status"] == 403
    assert listed(api)[0]["revoked_at"] == 0
    assert revoke(api, id, by="ana").status == 200


def test_its_maker_revokes_it_when_they_may_not_answer_any_more(
    story: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, api = story
    id = made(api, asked(told)).json["id"]
    rules = tuple(rule.model_copy(update={"decide": ("U01ANA",)}) for rule in api.policy.rules)
    lesser = api.policy.model_copy(update={"rules": rules})
    monkeypatch.setattr(api.parts.desk.client, "_policy", lesser)
    object.__setattr__(api.parts.desk, "policy", lesser)
    assert revoke(api, id).status == 200


def test_one_that_was_used_stays_used(story: Told) -> None:
    told, api = story
    answer = made(api, asked(told)).json
    assert api.post(answer["path"], by="").status == 200
    taken = revoke(api, answer["id"]).json
    assert taken["webhook"]["revoked_at"] == 0
    assert "was used" in taken["message"]
    assert audited(api) == [
        ("webhook_made", "T01:U02BO", "skip"), ("webhook_used", "T01:U02BO", "skip"),
    ]  # fmt: skip


def test_one_that_was_never_made_is_unknown(api: Api) -> None:
    assert listed(api) == []
    assert revoke(api, "0" * 12).problem["status"] == 404
    assert revoke(api, "short").problem["status"] == 422


def test_the_command_line_lists_and_revokes(story: Told) -> None:
    told, api = story
    made(api, asked(told))
    first = shell(api, "hooks", "list")
    (id, *_), state = first.stdout.split(), first.stdout
    assert "Skip to " in state
    assert "open until" in state
    refused = shell(api, "hooks", "revoke", id, by="eve")
    assert (refused.returncode, "You can't" in refused.stderr) == (3, True)
    assert shell(api, "hooks", "revoke", id, by="bo").returncode == 0
    (line,) = shell(api, "hooks", "list", "--json").stdout.splitlines()
    shown = json.loads(line)
    assert (shown["id"], shown["state"]) == (id, "revoked")
    unknown = shell(api, "hooks", "revoke", "0" * 12)
    assert (unknown.returncode, "There is no webhook" in unknown.stderr) == (3, True)
    assert shell(api, "hooks", "revoke", "soon").returncode == 2


def test_the_command_line_does_so_over_redis_too(
    story: Told, redis_url: str, tmp_path: Path
) -> None:
    told, api = story
    question = asked(told)
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump(file_of(api)), encoding="utf-8")
    here = {
        "DRAINBOT_REDIS_URL": redis_url, "DRAINBOT_POLICY": str(policy), "DRAINBOT_CLUSTER": "test",
    }  # fmt: skip
    path = json.loads(shell(None, "webhook", question.id, "skip", "--json", **here).stdout)["path"]
    (line,) = shell(None, "hooks", "list", **here).stdout.splitlines()
    refused = shell(None, "hooks", "revoke", line.split()[0], by="eve", **here)
    assert (refused.returncode, "You can't" in refused.stderr) == (3, True)
    assert shell(None, "hooks", "revoke", line.split()[0], **here).returncode == 0
    assert api.post(path, by="").problem["code"] == "revoked"
