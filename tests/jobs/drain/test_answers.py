import json
from pathlib import Path
from typing import Any

import pytest

from jobs.drain.answers import (
    Accepted,
    AlreadyGone,
    Blocked,
    BudgetBroken,
    Busy,
    MissingRight,
    NamespaceEnding,
    Passing,
    Replaced,
    TwoBudgets,
    Webhook,
    classify,
)

RECORDINGS = Path(__file__).parents[2] / "sandbox" / "cluster" / "recordings"
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget."


def recorded(name: str) -> Any:
    answer = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    return classify(answer["status"], answer["headers"], answer["body"])


def status(code: int, message: str, reason: str = "", **details: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": "Status", "status": "Failure", "message": message, "code": code}
    return {**body, "reason": reason, "details": details}


def budget_says(message: str) -> Any:
    causes = [{"reason": "DisruptionBudget", "message": message}]
    return classify(429, {}, status(429, REFUSED, "TooManyRequests", causes=causes))


@pytest.mark.parametrize(
    "name",
    ["evict-created", "evict-again-while-terminating", "evict-dry-run", "delete-graceful"],
)
def test_a_success_is_accepted(name: str) -> None:
    assert recorded(name) == Accepted()


@pytest.mark.parametrize("name", ["evict-blocked-by-pdb", "evict-blocked-dry-run"])
def test_a_blocked_eviction_names_the_budget_and_its_counts(name: str) -> None:
    answer = recorded(name)
    assert isinstance(answer, Blocked)
    assert (answer.budget, answer.needs, answer.has, answer.retry_after) == ("guarded", 2, 2, 0)
    assert answer.message == (
        "The disruption budget guarded needs 2 healthy pods and has 2 currently"
    )


def test_a_budget_that_is_not_up_to_date_says_when_to_ask_again() -> None:
    answer = recorded("evict-pdb-not-yet-observed")
    assert isinstance(answer, Blocked)
    assert (answer.budget, answer.needs, answer.retry_after) == ("fresh", -1, 10)


def test_a_pod_that_does_not_exist_is_gone() -> None:
    assert recorded("evict-missing") == AlreadyGone()


@pytest.mark.parametrize("name", ["evict-wrong-uid", "delete-wrong-uid"])
def test_another_pod_of_that_name_means_that_ours_is_gone(name: str) -> None:
    assert recorded(name) == Replaced()


def test_a_uid_that_changed_while_the_server_deleted_means_the_same() -> None:
    message = (
        'Operation cannot be fulfilled on pods "db-0": StorageError: invalid object, Code: 4, '
        "Key: /registry/pods/shop/db-0, ResourceVersion: 0, AdditionalErrorMsg: Precondition "
        "failed: UID in precondition: 1a, UID in object meta: 2b"
    )
    assert classify(409, {}, status(409, message, "Conflict")) == Replaced()


@pytest.mark.parametrize(
    "message",
    [
        'Operation cannot be fulfilled on pods "a": the object has been modified',
        # The budget's status was written by others, twenty times in a row.
        'Operation cannot be fulfilled on poddisruptionbudgets.policy "g": the object has changed',
        # A pending pod that became ready in the meantime; the server's own precondition.
        "the ResourceVersion in the precondition (1) does not match the ResourceVersion in record",
        "Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object: 2",
    ],
)
def test_any_other_conflict_is_a_lost_race(message: str) -> None:
    assert classify(409, {}, status(409, message, "Conflict")) == Passing(message)


def test_an_unready_pod_that_became_ready_meanwhile_is_asked_for_again() -> None:
    # The server says it as of a budget that it has not counted yet (createTooManyRequestsError).
    causes = [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget g is still being processed by the server.",
        }
    ]
    body = status(429, REFUSED, "TooManyRequests", causes=causes, retryAfterSeconds=10)
    assert classify(429, {}, body) == Blocked("g", causes[0]["message"], retry_after=10)


def test_two_budgets_are_told_from_other_server_errors() -> None:
    answer = recorded("evict-two-pdbs")
    assert isinstance(answer, TwoBudgets)
    assert answer.message.startswith("This pod has more than one PodDisruptionBudget")


def test_an_ending_namespace_is_told_from_other_refusals() -> None:
    assert isinstance(recorded("evict-in-ending-namespace"), NamespaceEnding)


def test_a_missing_right_is_named() -> None:
    answer = recorded("forbidden-evict")
    assert isinstance(answer, MissingRight)
    assert answer.right == "create pods/eviction"
    assert "system:serviceaccount:rec:weak" in answer.message


def test_bad_credentials_are_a_missing_right() -> None:
    assert isinstance(recorded("unauthorized"), MissingRight)


@pytest.mark.parametrize(
    "words",
    [
        "pdb disruptions allowed is negative",
        "DisruptedPods map too big - too many evictions not confirmed by PDB controller",
    ],
)
def test_a_budget_with_an_impossible_status_is_named(words: str) -> None:
    message = f'poddisruptionbudget.policy "g" is forbidden: {words}'
    body = status(403, message, "Forbidden", name="g", group="policy", kind="poddisruptionbudget")
    assert classify(403, {}, body) == BudgetBroken("g", message)
    # Later servers say it with a cause as well.
    cause = {"reason": "DisruptionBudget", "message": "The disruption budget g does not allow …"}
    later = {**body, "message": "forbidden", "details": {**body["details"], "causes": [cause]}}
    assert classify(403, {}, later) == BudgetBroken("g", "forbidden")


def test_a_budget_whose_controller_failed_is_broken_not_short_of_pods() -> None:
    message = (
        "The disruption budget g does not allow evicting pods currently because it failed sync: "
        "found no controllers for pod"
    )
    why = "found no controllers for pod"
    assert budget_says(message) == BudgetBroken("g", message, why)


@pytest.mark.parametrize(
    "message",
    [
        "The disruption budget g does not allow evicting pods currently (Odd): for a reason",
        "The disruption budget g does not allow evicting pods currently",
    ],
)
def test_a_budget_that_gives_no_counts_is_named_all_the_same(message: str) -> None:
    assert budget_says(message) == Blocked("g", message)


def test_a_429_without_that_cause_is_never_a_budget() -> None:
    body = status(429, "Too many requests, please try again later.", "TooManyRequests")
    assert classify(429, {"retry-after": "3"}, body) == Busy(3, body["message"])
    assert classify(429, {}, "Too many requests") == Busy(1, "the API server answered 429")


def test_the_seconds_to_wait_may_stand_in_the_status_alone() -> None:
    body = status(429, "busy", "TooManyRequests", retryAfterSeconds=4)
    assert classify(429, {}, body) == Busy(4, "busy")


@pytest.mark.parametrize(("code", "again"), [(403, False), (400, False), (429, True), (500, True)])
def test_a_webhooks_refusal_is_named_and_says_whether_it_is_only_too_early(
    code: int,
    again: bool,  # noqa: FBT001  a parametrized value
) -> None:
    message = 'admission webhook "evict.example.com" denied the request: the pod is being moved'
    answer = classify(code, {}, status(code, message))
    assert answer == Webhook(message, "evict.example.com", again)


def test_a_refusal_without_a_known_cause_carries_the_servers_words() -> None:
    message = "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied it"
    for code in (403, 422):
        assert classify(code, {}, status(code, message)) == Webhook(message)


@pytest.mark.parametrize("code", [408, 500, 502, 503, 504])
def test_what_ails_the_server_passes(code: int) -> None:
    assert isinstance(classify(code, {}, "<html>gateway</html>"), Passing)


def test_a_server_that_says_when_to_come_back_is_obeyed() -> None:
    message = 'Timeout: couldn\'t update PodDisruptionBudget "g" due to conflicts'
    assert classify(504, {"Retry-After": "10"}, status(504, message)) == Passing(message, 10)


@pytest.mark.parametrize(("kind", "name"), [("poddisruptionbudgets", "g"), ("namespaces", "shop")])
def test_something_else_that_is_missing_does_not_make_a_pod_gone(kind: str, name: str) -> None:
    # A budget that is deleted while the server retries under it: the pod is still there.
    message = f'{kind} "{name}" not found'
    body = status(404, message, "NotFound", name=name, kind=kind)
    assert classify(404, {}, body) == Passing(message)


def test_a_request_that_the_server_will_not_have_carries_its_words() -> None:
    message = "name in URL does not match name in Eviction object"
    assert classify(400, {}, status(400, message, "BadRequest")) == Webhook(message)


def test_a_missing_route_does_not_make_a_pod_gone() -> None:
    message = "the server could not find the requested resource"
    assert classify(404, {}, status(404, message, "NotFound")) == Passing(message)
    assert isinstance(classify(404, {}, "404 page not found"), Passing)
