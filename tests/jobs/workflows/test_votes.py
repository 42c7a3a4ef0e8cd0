"""Votes of several roles, and votes that are judged again: who forces whose pods."""

import itertools

from jobs.models import Decided, Memberships, Outcome, Principal, QuestionView
from jobs.policy import Policy
from jobs.service import Service
from tests.jobs.conftest import Play
from tests.jobs.harness import ANA, BO, EVE, policy_with, until
from tests.jobs.story import Story, block

CALLS = itertools.count()
PAT = Principal(team="T01", user="U05PAT")
SRE, PAY = "S0SRE", "S0PAY"
GROUPS = {"sre": ["U01ANA", "U02BO"], "pay": ["U05PAT", "U02BO"]}


def owned(**owner: object) -> Policy:
    return policy_with(
        {"ask_after": "1ms"}, groups=GROUPS, owners={"payments": {"group": "pay", **owner}}
    )


def blocked(story: Story) -> tuple[str, QuestionView]:
    block(story)
    operation = story.submit("node-1")
    return operation, story.question(operation)


def vote(service: Service, question: QuestionView, by: Principal) -> Decided:
    return service.decide(by, question.id, "force", note="moved", nonce=f"v{next(CALLS)}")


def test_forcing_owned_pods_takes_one_who_may_force_and_one_of_their_owners(play: Play) -> None:
    story = play(policy=owned())
    operation, question = blocked(story)
    assert question.roles_needed == {"force": {"force": 1, "owner:pay": 1}}
    assert question.votes_needed["force"] == 2
    assert vote(story.service, question, EVE).outcome is Outcome.REFUSED
    first = vote(story.service, question, PAT)
    assert (first.outcome, first.question and first.question.votes[0].roles) == (
        Outcome.VOTED, ("owner:pay",),
    )  # fmt: skip
    assert vote(story.service, question, PAT).outcome is Outcome.ALREADY_VOTED
    assert story.requests("pods") == []
    assert vote(story.service, question, ANA).outcome is Outcome.SETTLED
    assert story.finish(operation).nodes[0].forced == ("payments/db-0",)


def test_one_person_of_both_roles_needs_a_second_one(play: Play) -> None:
    story = play(policy=owned())
    _, question = blocked(story)
    alone = vote(story.service, question, BO)
    assert alone.outcome is Outcome.VOTED
    assert alone.question is not None
    assert alone.question.votes[0].roles == ("force", "owner:pay")
    assert vote(story.service, question, ANA).outcome is Outcome.SETTLED


def test_owners_whose_vote_is_not_needed_may_not_force(play: Play) -> None:
    story = play(policy=owned(force_needs_vote=False))
    _, question = blocked(story)
    assert question.roles_needed == {"force": {"force": 1}}
    assert vote(story.service, question, PAT).outcome is Outcome.REFUSED
    assert vote(story.service, question, ANA).outcome is Outcome.SETTLED


def test_pods_of_nobodys_namespace_take_no_owners_vote(play: Play) -> None:
    story = play(policy=owned())
    block(story, namespace="shop")
    question = story.question(story.submit("node-1"))
    assert question.roles_needed == {"force": {"force": 1}}


def test_an_operation_keeps_the_votes_of_its_day_and_the_policy_of_today_says_whose(
    play: Play,
) -> None:
    story = play(policy=owned())
    _, question = blocked(story)
    looser = policy_with(groups={"sre": ["U01ANA", "U02BO"], "pay": ["U03EVE"]})
    today = Service(story.worker.redis, looser)
    assert vote(today, question, ANA).outcome is Outcome.VOTED  # the owners' vote is still needed
    assert vote(today, question, PAT).outcome is Outcome.REFUSED
    assert vote(today, question, EVE).outcome is Outcome.SETTLED


# -- membership removed in between ---------------------------------------------------------------


def by_groups(votes: int = 2) -> Policy:
    rule = {"force": {"by": [SRE], "votes": votes}, "decide": [SRE], "request": ["U01ANA"]}
    return policy_with({"ask_after": "1ms"}, rule=rule)


class Slack:
    """User groups as they are known, changed by a test."""

    def __init__(self, *sre: str) -> None:
        self.now = Memberships(known=True, at=5, groups={SRE: frozenset(sre)})

    def __call__(self) -> Memberships:
        return self.now

    def leave(self, user: str) -> None:
        left = self.now.groups[SRE] - {user}
        self.now = self.now.model_copy(update={"groups": {SRE: left}})

    def person(self, who: Principal) -> Principal:
        return self.now.principal(who.team, who.user)


def test_a_vote_of_somebody_who_has_left_the_group_since_does_not_count(play: Play) -> None:
    story = play(policy=by_groups())
    slack = Slack("U01ANA", "U02BO", "U03EVE")
    service = Service(story.worker.redis, by_groups(), people=slack)
    _, question = blocked(story)
    first = vote(service, question, slack.person(ANA))
    assert (first.outcome, first.question and first.question.votes[0].rests_on) == (
        Outcome.VOTED, (f"group:{SRE}",),
    )  # fmt: skip
    slack.leave("U01ANA")
    assert vote(service, question, slack.person(BO)).outcome is Outcome.VOTED
    last = vote(service, question, slack.person(EVE))
    assert last.outcome is Outcome.SETTLED
    assert last.question is not None
    assert last.question.settled is not None
    assert sorted(last.question.settled.by) == [BO.id, EVE.id]


def test_a_vote_whose_groups_nobody_knows_any_more_does_not_count(play: Play) -> None:
    story = play(policy=by_groups())
    slack = Slack("U01ANA", "U02BO")
    service = Service(story.worker.redis, by_groups(), people=slack)
    _, question = blocked(story)
    assert vote(service, question, slack.person(ANA)).outcome is Outcome.VOTED
    bo = slack.person(BO)
    slack.now = Memberships()
    assert vote(service, question, bo).outcome is Outcome.VOTED


def test_a_vote_that_rests_on_what_was_known_before_slack_went_away_says_so(play: Play) -> None:
    story = play(policy=by_groups(votes=1))
    slack = Slack("U01ANA")
    slack.now = slack.now.model_copy(update={"stale": True})
    service = Service(story.worker.redis, by_groups(votes=1), people=slack)
    _, question = blocked(story)
    forced = vote(service, question, slack.person(ANA)).question
    assert forced is not None
    (cast,) = forced.votes
    assert (cast.stale, cast.groups_at, cast.via) == (True, 5, "slack")


def test_who_decides_by_break_glass_is_marked(play: Play) -> None:
    lead = policy_with({"ask_after": "1ms"}, rule={"decide": [SRE]}, break_glass=["U03EVE"])
    story = play(policy=lead)
    _, question = blocked(story)
    assert story.decide(question, "skip", by=EVE).outcome is Outcome.REFUSED  # Slack is there
    blind = Memberships().principal("T01", "U03EVE")
    skipped = story.decide(question, "skip", by=blind).question
    assert skipped is not None
    assert skipped.votes[-1].rests_on == ("break_glass",)


def test_approvals_are_judged_again_too(play: Play) -> None:
    approve = {"by": [SRE], "votes": 2}
    policy = policy_with(rule={"approve": approve})
    story = play(policy=policy)
    slack = Slack("U02BO", "U03EVE", "U05PAT")
    service = Service(story.worker.redis, policy, people=slack)
    operation = story.submit("node-3")
    question = until(lambda: next(iter(story.view(operation).open_questions), None))

    def approve_as(who: Principal) -> Outcome:
        nonce = f"a{next(CALLS)}"
        return service.decide(slack.person(who), question.id, "approve", nonce=nonce).outcome

    assert approve_as(BO) is Outcome.VOTED
    slack.leave("U02BO")
    assert approve_as(EVE) is Outcome.VOTED
    assert approve_as(PAT) is Outcome.SETTLED


def test_a_question_of_an_earlier_version_takes_votes_that_fill_every_role(play: Play) -> None:
    story = play(policy=owned())
    _, question = blocked(story)
    store = story.worker.store
    store.redis.hdel(f"{store.prefix}q:{question.id}", "roles_needed")
    assert vote(story.service, question, PAT).outcome is Outcome.REFUSED
    assert vote(story.service, question, ANA).outcome is Outcome.REFUSED
    assert vote(story.service, question, BO).outcome is Outcome.VOTED
