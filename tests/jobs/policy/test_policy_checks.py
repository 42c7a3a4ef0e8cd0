import pytest

from jobs.policy import PolicyError, parse_policy

SMALL = "team: T1\nclusters: {prod: {}}\n"
HASH = "ab" * 32


def mistakes(text: str) -> dict[str, str]:
    """Return the mistakes of a policy as `line key` → words."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    return {f"{wrong.line} {wrong.key}": wrong.message for wrong in caught.value.mistakes}


RULE = SMALL + "groups: {two: [U1, U2], big: [S1, U1]}\nrules:\n- match: {}\n  "


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("force: {by: [two], votes: 3}", "2 people"),
        ("force: {by: [two, U2], votes: 3}", "2 people"),
        ("approve: {by: [U7], votes: 2}", "1 person"),
    ],
)
def test_more_votes_than_people_can_never_come_together(line: str, count: str) -> None:
    (said,) = mistakes(RULE + line).values()
    assert said.endswith(f"votes can't come together: {count} may vote")


@pytest.mark.parametrize(
    "line",
    [
        "force: {by: [two], votes: 2}",
        "force: {by: [two, U3], votes: 3}",
        "force: {by: [big], votes: 5}",
        "approve: {by: [S9], votes: 20}",
    ],
)
def test_votes_that_may_come_together_are_fine(line: str) -> None:
    assert parse_policy(RULE + line).rules


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{}", "{}"),
        ("{}", "{cluster: prod, labels: {pool: db}}"),
        ("{labels: {pool: db}}", "{cluster: prod, labels: {pool: db, zone: a}}"),
        ("{cluster: prod}", "{cluster: prod, labels: {pool: db}}"),
    ],
)
def test_a_rule_behind_a_wider_one_is_a_mistake(earlier: str, later: str) -> None:
    found = mistakes(f"{SMALL}rules:\n- match: {earlier}\n- match: {later}\n")
    assert found == {"5 rules[1].match": "never acts: rules[0] takes all of its nodes first"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("{cluster: prod}", "{}"),
        ("{labels: {pool: db}}", "{labels: {pool: web}}"),
        ("{labels: {pool: db, zone: a}}", "{labels: {pool: db}}"),
        ("{cluster: prod, labels: {pool: db}}", "{labels: {pool: db}}"),
    ],
)
def test_a_rule_behind_a_narrower_one_is_fine(earlier: str, later: str) -> None:
    assert parse_policy(f"{SMALL}rules:\n- match: {earlier}\n- match: {later}\n").rules


def test_one_token_is_one_persons() -> None:
    token = f"{{sha256: {HASH}, user: U1, scopes: [read]}}"
    other = f"{{sha256: {HASH.upper()}, user: U2, scopes: [force]}}"
    assert mistakes(f"{SMALL}tokens:\n- {token}\n- {other}\n") == {
        "5 tokens[1].sha256": "is the token of tokens[0] too: one token, one person"
    }


def test_a_token_that_was_put_in_place_of_its_hash_is_not_repeated() -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{SMALL}tokens: [{{sha256: hunter2, user: U1, scopes: []}}]\n")
    assert "hunter2" not in str(caught.value)
    assert [wrong.key for wrong in caught.value.mistakes] == [
        "tokens[0].scopes",
        "tokens[0].sha256",
    ]


@pytest.mark.parametrize(
    ("questions", "key"),
    [
        ("{remind: 2h}", "questions.remind"),
        ("{stop_after: 15m}", "questions.stop_after"),
        ("{stop_after: 20m, escalate: {to: C1}}", "questions.escalate.after"),
        ("{stop_after: 20m, escalate: {after: 20m, to: S1}}", "questions.escalate.after"),
    ],
)
def test_what_would_come_after_the_end_of_a_question_is_a_mistake(questions: str, key: str) -> None:
    (found,) = mistakes(f"{SMALL}questions: {questions}\n").items()
    assert found[0] == f"3 {key}"
    assert "would never come" in found[1]


@pytest.mark.parametrize(
    ("force", "owner", "fine"),
    [
        ("{by: [U1]}", "{group: lone}", False),  # U1 is all of lone: one vote fills one place
        ("{by: [U1]}", "{group: lone, force_needs_vote: false}", True),
        ("{by: [U2]}", "{group: lone}", True),
        ("{by: [U1, U2], votes: 2}", "{group: pair}", False),
        ("{by: [U1, U2, U3], votes: 2}", "{group: pair}", True),
        ("{by: [S1]}", "{group: lone}", True),  # how many those are is Slack's to know
        ("{by: [U1]}", "{group: S2}", True),
    ],
)
def test_owners_whose_pods_nobody_could_ever_force_are_a_mistake(
    force: str, owner: str, *, fine: bool
) -> None:
    text = (
        f"{SMALL}groups: {{lone: [U1], pair: [U1, U2]}}\n"
        f"rules:\n- {{match: {{}}, force: {force}}}\nowners:\n  pay: {owner}\n"
    )
    if fine:
        assert parse_policy(text).owners
        return
    (found,) = mistakes(text).items()
    assert found[0] == "7 owners.pay.group"
    assert "there are fewer" in found[1]
