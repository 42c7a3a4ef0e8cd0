import concurrent.futures
from typing import Any

import pytest

from jobs.models import OperationEnd, QuestionView
from tests.bot.api.calling import Answer, Api
from tests.jobs.story import Story, block

Told = tuple[Story, Api]


def asked(told: Story) -> QuestionView:
    block(told)
    return told.question(told.submit("node-1"))


def test_open_questions_are_listed_until_they_are_settled(story: Told) -> None:
    told, api = story
    question = asked(told)
    (listed,) = api.get("/questions?state=open").json["questions"]
    assert QuestionView.model_validate(listed).id == question.id
    assert api.get(f"/questions/{question.id}").json["state"] == "open"
    assert api.post(f"/questions/{question.id}", {"choice": "skip"}).status == 200
    assert api.get("/questions").json["questions"] == []
    assert api.get(f"/questions/{question.id}").json["settled"]["choice"] == "skip"


def test_settling_twice_tells_the_winner(story: Told) -> None:
    told, api = story
    question = asked(told)
    first = api.post(f"/questions/{question.id}/skip", {"note": "not today"}, by="bo", key="k")
    assert (first.status, first.json["settled_by_you"]) == (200, True)
    assert first.json["winner"]["note"] == "not today"
    second = api.post(f"/questions/{question.id}", {"choice": "abort"})
    assert (second.status, second.json["settled_by_you"]) == (200, False)
    assert (second.json["winner"]["choice"], second.json["winner"]["by"]) == ("skip", ["T01:U02BO"])
    assert "Already settled" in second.json["message"]
    again = api.post(f"/questions/{question.id}/skip", {"note": "not today"}, by="bo", key="k")
    assert again.json["settled_by_you"]  # the same act, sent again
    assert told.finish(question.operation).end is OperationEnd.PARTLY


def test_of_many_who_settle_at_once_one_is_told_that_it_was_them(story: Told) -> None:
    told, api = story
    question = asked(told)

    def settle(choice: str) -> Answer:
        return api.post(f"/questions/{question.id}/{choice}", by="bo")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(settle, ["skip", "abort"] * 4))
    assert {answer.status for answer in answers} == {200}
    assert [answer.json["settled_by_you"] for answer in answers].count(True) == 1
    assert len({answer.json["winner"]["choice"] for answer in answers}) == 1


def test_wait_keeps_the_question_open(story: Told) -> None:
    told, api = story
    question = asked(told)
    answer = api.post(f"/questions/{question.id}/wait")
    assert (answer.json["outcome"], answer.json["winner"]) == ("postponed", None)
    assert "pressed Wait" in answer.json["message"]
    assert api.get(f"/questions/{question.id}").json["stop_at"] > question.stop_at


@pytest.mark.parametrize(
    ("by", "choice", "status", "code"),
    [
        ("eve", "skip", 403, "not_allowed"),
        ("ana.read", "skip", 403, "not_allowed"),
        ("ana.decide", "force", 403, "not_allowed"),
        ("ana", "evict_anyway", 409, "not_a_choice"),
        ("ana", "explode", 422, "invalid"),
        ("", "skip", 401, "unauthenticated"),
    ],
)
def test_what_may_not_be_answered_changes_nothing(
    story: Told, by: str, choice: str, status: int, code: str
) -> None:
    told, api = story
    question = asked(told)
    for path, body in ((f"/{choice}", None), ("", {"choice": choice})):
        answer = api.post(f"/questions/{question.id}{path}", body, by=by)
        assert (answer.status, answer.problem["code"]) == (status, code)
    view = told.service.question(question.id)
    assert view is not None
    assert (view.state, view.votes) == ("open", ())


def test_a_question_that_is_closed_is_told_so(story: Told) -> None:
    told, api = story
    question = asked(told)
    told.abort(question.operation)
    told.finish(question.operation)
    answer = api.post(f"/questions/{question.id}/skip")
    assert (answer.status, answer.problem["code"]) == (409, "closed")
    assert "aborted" in answer.problem["detail"]


def test_a_question_that_was_never_asked_is_unknown(api: Api) -> None:
    for path in ("test-q-000000000000", "other-q-000000000000"):
        assert api.post(f"/questions/{path}/skip").problem["status"] == 404
        assert api.get(f"/questions/{path}").problem["status"] == 404


def made(api: Api, question: QuestionView, **how: Any) -> Answer:
    by = how.pop("by", "bo")
    return api.post(f"/questions/{question.id}/webhooks", {"choice": "skip", **how}, by=by)


def test_a_webhook_settles_its_question_once(story: Told) -> None:
    told, api = story
    question = asked(told)
    path = made(api, question).json["path"]
    used = api.post(path, {"alert": "anything"}, by="")
    assert (used.status, used.json["settled_by_you"]) == (200, True)
    assert used.json["winner"]["by"] == ["T01:U02BO"]
    assert used.json["winner"]["note"] == "through a webhook"
    again = api.post(path, by="")
    assert (again.status, again.problem["code"]) == (410, "used")
    assert told.finish(question.operation).end is OperationEnd.PARTLY


def test_deliveries_of_one_webhook_at_once_settle_once(story: Told) -> None:
    told, api = story
    question = asked(told)
    path = made(api, question).json["path"]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: api.post(path, by=""), range(6)))
    assert {answer.status for answer in answers} <= {200, 410}
    view = told.service.question(question.id)
    assert view is not None
    assert len(view.votes) == 1


def test_a_webhook_expires(story: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    told, api = story
    question = asked(told)
    answer = made(api, question, expires_in=60)
    now = told.service.now()
    assert 0 < answer.json["expires_at"] - now <= 60_000
    client = api.parts.desk.client
    monkeypatch.setattr(client, "now", lambda: now + 61_000)
    late = api.post(answer.json["path"], by="")
    assert (late.status, late.problem["code"]) == (410, "expired")
    view = told.service.question(question.id)
    assert view is not None
    assert view.votes == ()


@pytest.mark.parametrize("by", ["eve", "ana.read", "ana.request"])
def test_only_who_may_decide_makes_a_webhook(story: Told, by: str) -> None:
    told, api = story
    assert made(api, asked(told), by=by).problem["status"] == 403


def test_no_webhook_is_made_for_what_people_answer_for_themselves(story: Told) -> None:
    told, api = story
    problem = made(api, asked(told), choice="force").problem
    assert (problem["status"], "no webhook" in problem["detail"]) == (403, True)


def test_a_webhook_is_judged_by_the_policy_of_when_it_is_used(
    story: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, api = story
    question = asked(told)
    path = made(api, question).json["path"]
    rules = tuple(rule.model_copy(update={"decide": ("U01ANA",)}) for rule in api.policy.rules)
    client = api.parts.desk.client
    monkeypatch.setattr(client, "_policy", api.policy.model_copy(update={"rules": rules}))
    assert api.post(path, by="").problem["status"] == 403
    view = told.service.question(question.id)
    assert view is not None
    assert view.votes == ()


def test_a_webhook_whose_question_was_settled_otherwise_is_told_the_winner(story: Told) -> None:
    told, api = story
    question = asked(told)
    path = made(api, question).json["path"]
    api.post(f"/questions/{question.id}/abort")
    used = api.post(path, by="")
    assert (used.status, used.json["settled_by_you"]) == (200, False)
    assert used.json["winner"]["choice"] == "abort"
    assert api.post(path, by="").problem["code"] == "used"


def test_a_token_that_was_never_made_is_unknown(api: Api) -> None:
    assert api.post(f"/webhooks/{'A' * 43}", by="").problem["status"] == 404
    assert api.post("/webhooks/short", by="").problem["status"] == 422


def test_redis_holds_no_webhook_that_could_be_used(story: Told) -> None:
    told, api = story
    path = made(api, asked(told)).json["path"]
    token = path.rpartition("/")[2]
    redis = told.worker.redis
    keys = list(redis.scan_iter("*"))
    assert [key for key in keys if token in key] == []
    assert token not in str(redis.get(next(key for key in keys if ":webhook:" in key)))
