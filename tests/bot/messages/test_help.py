"""The help: nothing in it that isn't so."""

import pytest

from bot.grammar import VERBS, Ask, Drain, Help, parse
from bot.messages.help import FORMS, Form, form_named, form_text, help_text
from bot.messages.style import PLAIN
from bot.messages.who import Who, who_lines
from jobs.options import FLAGS
from jobs.policy import parse_policy

every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
_CLASSES = {"": "Drain", "plan": "Drain", "freeze": "Hold", "thaw": "Hold"}
_CLASSES |= dict.fromkeys(("abort", "pause", "resume"), "Steer")


def test_the_help_names_every_form_and_fits_on_one_screen() -> None:
    said = help_text("/dr")
    assert all(f"/dr {verb}" in said for verb in VERBS)
    assert "/dr NODE…" in said
    assert len(said.splitlines()) < 24
    assert max(map(len, said.splitlines())) < 110


@every_form
def test_each_example_is_understood_as_its_form(form: Form) -> None:
    assert form.examples
    for example in form.examples:
        read = parse(example, cluster="prod-eu", clusters=("prod-eu", "lab"))
        assert type(read).__name__ == _CLASSES.get(form.verb, form.verb.capitalize())
        if isinstance(read, Drain):
            assert read.command.plan_only is (form.verb == "plan")
        assert f"/drain {example}" in form_text(form)


@every_form
def test_each_form_has_a_help_of_its_own(form: Form) -> None:
    assert parse(f"help {form.name}", cluster="") == Help(form=form.name)
    found = form_named(form.name)
    assert found is form
    assert form.does in form_text(found)


def test_the_help_of_a_drain_has_every_flag() -> None:
    drain = form_named("drain")
    assert drain
    said = form_text(drain, "/dr")
    assert all(f"--{flag.name}" in said for flag in FLAGS)
    assert "needs the force right" in said
    assert len(said) < 2900  # it is shown in one piece


def test_nothing_but_the_command_is_a_wish_for_the_form_and_for_nothing_else() -> None:
    assert parse("", cluster="prod-eu") == Ask()
    assert "alone opens a form" in help_text()


def test_who_names_the_people_of_each_list_and_what_one_may_oneself() -> None:
    policy = parse_policy(
        """
team: T01DEMO
clusters: {prod-eu: {}}
groups: {sre: [S0SRE, U02BOB]}
rules:
  - match: {labels: {pool: db}}
    request: [sre]
    approve: {by: [sre, U02BOB], votes: 2}
    decide: [sre]
    max_nodes: 2
    max_share_of_pool: 10%
    options: [force]
"""
    )
    rule = policy.rules[0]
    said = who_lines([Who(1, rule, "", 3, ("ask", "decide"))], policy, "prod-eu", PLAIN)
    assert said == [
        "3 nodes in prod-eu: rule 1 of the policy (pool=db)",
        "• Ask: sre (S0SRE, U02BOB)",
        "• Approve: sre (S0SRE, U02BOB), U02BOB (2 votes, not who asked)",
        "• Decide: sre (S0SRE, U02BOB)",
        "• Force: nobody",
        (
            "• Limits: 2 nodes an operation, 10% of these nodes out of service at once, not those "
            "of the control plane"
        ),
        "• Without the force right: --force",
        "• You: ask and decide",
    ]
    (nobody,) = who_lines([Who(0, None, "node-9", 1, ())], policy, "prod-eu", PLAIN)
    assert "node-9: no rule of the policy is for it" in nobody
    assert "no rule" in who_lines([], policy, "prod-eu")[0]
