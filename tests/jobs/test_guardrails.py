from pathlib import Path

import pytest

from jobs.guardrails import Guardrails, GuardrailsError, load_guardrails, parse_guardrails
from jobs.policy import Mistake

EXAMPLE = """
force: true
protected_nodes: {labels: {node-role.kubernetes.io/control-plane: ""}}
protected_namespaces: []
max_nodes_away: 10
max_evictions_per_second: 50
"""
CONTROL_PLANE = {"node-role.kubernetes.io/control-plane": ""}


def test_without_a_file_the_values_are_those_of_the_example() -> None:
    assert load_guardrails(None) == Guardrails() == parse_guardrails(EXAMPLE)


def test_a_key_that_is_left_out_keeps_its_default() -> None:
    guardrails = parse_guardrails("force: false")
    assert not guardrails.force
    assert guardrails.node_protected(CONTROL_PLANE)
    assert guardrails.max_nodes_away == 10


def test_a_file_that_was_named_but_is_not_there_is_no_licence(tmp_path: Path) -> None:
    with pytest.raises(GuardrailsError, match=r"can't be read: No such file.*DRAINBOT_GUARDRAILS"):
        load_guardrails(tmp_path / "guardrails.yaml")


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "guardrails.yaml"
    path.write_text("max_nodes_away: 3", encoding="utf-8")
    assert load_guardrails(path).max_nodes_away == 3


def test_every_mistake_is_named_with_its_line() -> None:
    with pytest.raises(GuardrailsError) as caught:
        parse_guardrails(
            "forse: false\n"
            "protected_nodes: {}\n"
            "protected_namespaces: [kube-system, Kube]\n"
            "max_nodes_away: -1\n"
            "max_evictions_per_second: fast\n",
            source="guardrails.yaml",
        )
    assert caught.value.mistakes == (
        Mistake(1, "forse", "is not a key here; did you mean force?"),
        Mistake(2, "protected_nodes.labels", "is missing"),
        Mistake(3, "protected_namespaces[1]", "`Kube` is not a namespace's name"),
        Mistake(4, "max_nodes_away", "expected at least 0"),
        Mistake(5, "max_evictions_per_second", "expected a number"),
    )
    assert str(caught.value).splitlines()[0] == "guardrails.yaml has 5 mistakes:"


@pytest.mark.parametrize("rate", ["0", "-1", ".inf", ".nan", "100000"])
def test_a_rate_that_is_no_limit_is_refused(rate: str) -> None:
    with pytest.raises(GuardrailsError, match="max_evictions_per_second"):
        parse_guardrails(f"max_evictions_per_second: {rate}")


def test_a_node_is_protected_by_any_of_the_labels_with_exactly_its_value() -> None:
    guardrails = parse_guardrails("protected_nodes: {labels: {pool: db, role: ''}}")
    assert guardrails.node_protected({"pool": "db"})
    assert guardrails.node_protected({"pool": "web", "role": ""})
    assert not guardrails.node_protected({"pool": "web", "role": "x"})
    assert not guardrails.node_protected({})
    assert guardrails.protecting_label({"pool": "db"}) == "pool=db"
    assert guardrails.protecting_label({"role": ""}) == "role"
    assert guardrails.protecting_label({}) == ""


def test_leave_for_the_control_plane_is_given_by_protecting_nothing() -> None:
    assert not parse_guardrails("protected_nodes: {labels: {}}").node_protected(CONTROL_PLANE)


def test_pods_of_a_protected_namespace_are_never_forced() -> None:
    guardrails = parse_guardrails("protected_namespaces: [kube-system, vault]")
    assert guardrails.namespace_protected("vault")
    assert not guardrails.namespace_protected("vault-2")
    assert guardrails.force_refused(["web"]) == ""
    said = guardrails.force_refused(["web", "vault", "vault", "kube-system"])
    assert (
        said
        == "The worker's guardrails protect `kube-system`, `vault`: no pod there is ever forced."
    )


def test_force_can_be_switched_off_for_everybody() -> None:
    assert "no eviction past a budget" in parse_guardrails("force: false").force_refused([])


@pytest.mark.parametrize(
    ("now", "more", "allowed"),
    [(0, 10, True), (0, 11, False), (9, 1, True), (10, 1, False), (12, 0, True), (12, 1, False)],
)
def test_nodes_away_are_counted_together_with_those_that_would_leave(
    now: int, more: int, *, allowed: bool
) -> None:
    assert Guardrails().away_allowed(now, more) is allowed


def test_the_lower_of_two_rates_holds() -> None:
    assert Guardrails().rate(20) == 20
    assert Guardrails().rate(80) == 50
