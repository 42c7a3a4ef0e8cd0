"""Whether the worker's credentials allow what a drain needs, and nothing dangerous beside it."""

from pathlib import Path

from jobs.doctor import Level, examine_cluster
from jobs.kubernetes.rights import RIGHTS, Right
from sandbox.cluster import Scenario, running
from tests.jobs.rights import user_with


def examined(tmp_path: Path, *rights: Right) -> list[tuple[Level, str]]:
    with running(Scenario(name="guarded", tokens={"t": user_with(rights)})) as simulated:
        kubeconfig = simulated.kubeconfig(tmp_path / "k", token="t")
        found, at = examine_cluster(str(kubeconfig))
        assert simulated.requests() == ()  # nothing was changed
    assert at is None or at > 0
    return [(each.level, each.what) for each in found]


def test_exactly_the_rights_of_the_manifest_are_safe(tmp_path: Path) -> None:
    found = examined(tmp_path, *RIGHTS)
    assert {level for level, _ in found} == {Level.OK}
    assert f"all {len(RIGHTS)} rights are granted" in [what for _, what in found]


def test_missing_rights_are_named(tmp_path: Path) -> None:
    found = examined(tmp_path, *(RIGHTS - {Right("create", "", "pods/eviction")}))
    assert (Level.UNSAFE, "rights are missing: create pods/eviction") in found


def test_rights_that_are_never_needed_are_unsafe(tmp_path: Path) -> None:
    found = examined(tmp_path, *RIGHTS, Right("get", "", "secrets"))
    assert (Level.UNSAFE, "more is allowed than needed: get secrets") in found


def test_credentials_that_are_not_taken_are_said_as_such(tmp_path: Path) -> None:
    with running(Scenario(name="guarded", tokens={"t": user_with(())})) as simulated:
        found, _ = examine_cluster(str(simulated.kubeconfig(tmp_path / "k", token="stale")))
    assert found[0].level is Level.UNSAFE
    assert "credentials" in found[0].what


def test_a_kubeconfig_that_is_no_file_is_said_as_such(tmp_path: Path) -> None:
    found, _ = examine_cluster(str(tmp_path / "nowhere"))
    assert "is no file" in found[0].what
