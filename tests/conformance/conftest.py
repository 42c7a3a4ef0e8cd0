"""The conformance suite: the same cases on a simulated cluster, and on a real one.

pytest tests/conformance                                 simulated, and a control plane alone
KUBECONFIG=… pytest -m cluster tests/conformance         the cluster of the kubeconfig
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from jobs.guardrails import Guardrails
from jobs.policy import Policy
from jobs.service import Service
from tests.conformance import nodes, opening
from tests.conformance.case import Case
from tests.conformance.ground import Ground
from tests.conformance.tap import Tap
from tests.jobs.harness import Worker, policy_with, resources, working
from tests.jobs.story import People

Begin = Callable[..., Case]
PATIENT = {"ask_after": "1h"}  # what may pass is waited for: only what can't is asked about
_SLOW = 900  # seconds for a case on a real cluster, which may have to load images


def wanted(config: pytest.Config) -> bool:
    """Whether a real cluster was asked for; a KUBECONFIG that happens to be set is not enough."""
    words = str(config.getoption("markexpr")).replace("(", " ").replace(")", " ").split()
    return "cluster" in words and "not" not in words


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ground" in metafunc.fixturenames:
        kinds: list[Any] = ["simulated", "control-plane"]
        if wanted(metafunc.config):
            marks = [pytest.mark.cluster, pytest.mark.timeout(_SLOW)]
            kinds.append(pytest.param("cluster", marks=marks))
        metafunc.parametrize("ground", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def ground(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """The cluster of the cases, put back as it was at the end."""
    with ExitStack() as stack:
        if request.param == "simulated":
            opened = opening.simulated(tmp_path_factory.mktemp("simulated"))
        elif request.param == "control-plane":
            opened = opening.control_plane(tmp_path_factory.mktemp("control-plane"))
        else:
            opened = opening.opened(_kubeconfig())
        try:
            made = stack.enter_context(opened)
        except nodes.UnfitError as unfit:
            pytest.exit(str(unfit), returncode=4)
        yield made


def _kubeconfig() -> str:
    kubeconfig = opening.from_environment()
    if not kubeconfig:
        pytest.exit("-m cluster needs KUBECONFIG: a file that names the cluster.", returncode=4)
    if int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1:
        pytest.exit("-m cluster runs in one process (-n 0): it has the nodes once.", returncode=4)
    return kubeconfig


@pytest.fixture
def begin(ground: Ground, redis: "Redis") -> Iterator[Begin]:
    """Begin a case with a policy or guardrails of its own; its nodes are put back at its end."""
    remembered = [nodes.remember(ground.objects, name) for name in ground.nodes]
    with ExitStack() as stack:

        def put_back() -> None:
            for namespace in sorted(ground.bounds.namespaces):
                ground.clear(namespace)
            for was in remembered:
                nodes.put_back(ground.objects, was, revive=not ground.kubelet)

        stack.callback(put_back)

        def make(
            *, policy: Policy | None = None, guardrails: Guardrails | None = None, **worker: Any
        ) -> Case:
            tap = Tap(ground.kubeconfig, ground.bounds)
            acts = replace(resources(redis, ground.kubeconfig, guardrails=guardrails), cluster=tap)
            made = stack.enter_context(working(Worker(redis, acts, **worker)))
            people = People(made, Service(redis, policy or policy_with(PATIENT)), ground.patience)
            stack.callback(_keep_to_bounds, tap)
            return Case(ground, tap, people, ground.namespace())

        yield make


def _keep_to_bounds(tap: Tap) -> None:
    assert tap.violations == []


@pytest.fixture
def case(begin: Begin) -> Case:
    """A case under the usual policy."""
    return begin()


# -- what was not checked --------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        before, found, because = reason.partition("not checked on this cluster: ")
        if found and not before:
            name = report.nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_")
            _not_checked.append(f"{name.replace('_', ' ')}, because {because}")


_not_checked: list[str] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what this cluster could not show."""
    if wanted(config) and _not_checked:
        terminalreporter.section("not checked on this cluster")
        for line in _not_checked:
            terminalreporter.write_line(line)
