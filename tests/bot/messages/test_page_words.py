"""What pagers are told: counts and a link, and no pod's name."""

import json

from hypothesis import given

from bot.messages.pages import LINK_WITHIN, pages_of
from jobs.models import OperationView, QuestionKind, QuestionState
from tests.bot.messages import samples
from tests.bot.messages.samples_life import LIVES
from tests.bot.messages.test_any_input import unhurried, views
from tests.bot.messages.test_message_golden import compare

QUESTION = samples.question()
LINK = "https://demo.slack.example/archives/C01OPS/p2"


def test_a_question_reads_as_its_golden_file_says() -> None:
    view = samples.operation(questions=(samples.question(reminded=("remind", "escalate")),))
    pages = [page.body for page in pages_of(view, {QUESTION.id: LINK})]
    compare("pages.json", json.dumps(pages, indent=1) + "\n")


def test_no_pod_is_named() -> None:
    view = samples.operation(questions=(QUESTION, samples.refusal(), samples.wont_stop()))
    said = json.dumps([page.body for page in pages_of(view, {})])
    for question in view.questions:
        for pod in question.pods:
            assert pod.name not in said
    assert '"pods": 1' in said


def test_overdue_nodes_and_lost_fences_say_what_they_are() -> None:
    kinds = (QuestionKind.OVERDUE, QuestionKind.UNCORDONED, QuestionKind.APPROVAL)
    asked = tuple(samples.question(kind=kind, id=f"q-{kind}", blocks=()) for kind in kinds)
    pages = pages_of(samples.operation(questions=asked), {})
    assert [page.body["event"] for page in pages] == ["node_overdue", "fence_lost", "question"]
    assert "takes longer than it was given" in pages[0].body["summary"]
    assert "was uncordoned while it was being drained" in pages[1].body["summary"]
    assert "waits for approval" in pages[2].body["summary"]


def test_nobody_is_paged_for_what_the_one_who_asked_is_looking_at() -> None:
    assert pages_of(samples.operation(questions=(samples.start(),)), {}) == ()


def test_the_end_follows_only_what_was_told_and_says_what_came_of_it() -> None:
    (closed,) = pages_of(samples.operation(questions=(samples.settled("skip"),)), {})
    assert closed.after == f"{QUESTION.id}:open"
    assert closed.body["status"] == "closed"
    assert closed.body["outcome"] == "skip"
    gone = samples.question(state=QuestionState.CLOSED, closed_because="no_longer_needed")
    (page,) = pages_of(samples.operation(questions=(gone,)), {})
    assert page.body["outcome"] == "no_longer_needed"


def test_it_waits_for_the_address_in_slack_and_not_for_long() -> None:
    view = samples.operation(questions=(QUESTION,))
    (with_link,) = pages_of(view, {QUESTION.id: LINK})
    assert (with_link.not_before, with_link.body["link"]) == (0, LINK)
    (without,) = pages_of(view, {})
    assert without.not_before == QUESTION.opened_at + LINK_WITHIN
    assert without.body["link"] is None


@unhurried
@given(views)
def test_any_view_gives_json_with_keys_of_its_own(view: OperationView) -> None:
    pages = pages_of(view, {})
    json.dumps([dict(page.body) for page in pages]).encode("ascii")
    by_key = {page.key: page for page in pages}
    ids = [question.id for question in view.questions]
    if len(set(ids)) == len(ids):
        assert len(by_key) == len(pages)


def test_a_lost_fence_pages_at_once_and_a_maintenance_only_when_it_is_late() -> None:
    lost = pages_of(LIVES["life_fence_lost"], {})
    assert [page.body["event"] for page in lost] == ["fence_lost"]
    assert "The fence of node-17 in prod-eu is lost" in lost[0].body["summary"]
    assert pages_of(LIVES["life_maintenance"], {}) == ()
    late = pages_of(LIVES["life_overdue"], {})
    assert [page.body["status"] for page in late] == ["open", "reminded"]
    assert {page.body["event"] for page in late} == {"maintenance_overdue"}
    assert "past its expected end" in late[0].body["summary"]
