"""What holds for the code as a whole: sizes, what workflows may use, and who may import whom.

Imports between packages are import-linter's business (`make check`); here each rule is shown to be
able to fail, with a violation that is planted.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("bot", "jobs", "sandbox", "tests")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
EXCEPTIONS = {
    # One file with every mistake, and beside it what is said of each.
    "tests/jobs/policy/test_policy_file.py: test_every_mistake_is_named_at_once",
}

# Modules that give a workflow the time, chance, the world outside or state of its own process. What
# it needs of these it gets from its context, so that each replay takes the same path.
IMPURE = frozenset(
    {
        "asyncio", "calendar", "concurrent", "datetime", "fileinput", "glob", "http", "importlib",
        "io", "kubernetes", "logging", "multiprocessing", "os", "pathlib", "platform", "queue",
        "random", "redis", "requests", "rq", "secrets", "select", "shutil", "signal",
        "slack_bolt", "slack_sdk", "socket", "sqlite3", "ssl", "structlog", "subprocess", "sys",
        "tempfile", "threading", "time", "urllib", "urllib3", "uuid", "zoneinfo",
    }
)  # fmt: skip
IMPURE_BUILTINS = frozenset({"open", "input", "print", "exec", "eval", "id", "hash", "__import__"})
# Activities are imported to be named, never to be called: `ctx.activity(key, act)` runs them.
OURS = ("jobs.durable", "jobs.models", "jobs.resources", "jobs.workflows", "jobs.activities",
        "jobs.drain.fleet", "jobs.drain.plan_changes")  # fmt: skip
DURABLE_NAMES = frozenset(
    {"Aborted", "Context", "Ended", "Fired", "Handle", "Question", "Registry", "Signal",
     "StepFailed", "Timer"}
)  # fmt: skip


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


# -- size ------------------------------------------------------------------------------------


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{name_of(path)}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{name_of(path)}: {node.name} has {length} lines"


def test_files_and_functions_fit_into_a_head() -> None:
    found = {line for path in files(*CODE) for line in too_long(path)}
    unexcused = {line for line in found if not line.startswith(tuple(EXCEPTIONS))}
    assert unexcused == set()


def test_every_exception_is_still_needed() -> None:
    found = [line for path in files(*CODE) for line in too_long(path)]
    assert [name for name in EXCEPTIONS if not any(f.startswith(name) for f in found)] == []


def test_a_file_or_a_function_that_is_too_long_is_found(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("def f():\n" + "    x = 1\n" * LONGEST_FILE, encoding="utf-8")
    found = list(too_long(planted))
    assert found == ["planted.py: 401 lines", "planted.py: f has 401 lines"]
    planted.write_text("def f():\n" + "    x = 1\n" * (LONGEST_FUNCTION - 1), encoding="utf-8")
    assert list(too_long(planted)) == []


# -- workflows -------------------------------------------------------------------------------


def impurities(source: str) -> Iterator[str]:
    """What a workflow module uses that a replay could see differently."""
    tree = ast.parse(source)
    activities: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names if _banned(alias.name))
        elif isinstance(node, ast.ImportFrom):
            yield from _wrongly_from(node)
            if (node.module or "").startswith("jobs.activities"):
                activities |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in IMPURE_BUILTINS:
                yield f"{node.func.id}()"
            if node.func.id in activities:
                yield f"{node.func.id}() outside of ctx.activity"


def _wrongly_from(node: ast.ImportFrom) -> Iterator[str]:
    module = node.module or ""
    if node.level or _banned(module):
        yield f"from {'.' * node.level}{module}"
    elif module == "jobs.durable":
        names = {alias.name for alias in node.names}
        yield from (f"from {module} import {name}" for name in sorted(names - DURABLE_NAMES))


def _banned(module: str) -> bool:
    top = module.partition(".")[0]
    if top == "jobs":
        return not module.startswith(OURS) or module.startswith("jobs.durable.")
    return top in IMPURE or top in {"bot", "sandbox"}


def test_workflows_read_no_clock_no_chance_and_no_world() -> None:
    # What workflows decide with while they replay is held to the same.
    deciding = [ROOT / f"jobs/drain/{name}.py" for name in ("fleet", "plan_changes")]
    workflows = [*files("jobs/workflows"), *deciding]
    assert len(workflows) > 3
    found = {
        name_of(path): list(impurities(path.read_text(encoding="utf-8"))) for path in workflows
    }
    assert {name: uses for name, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("import time", "import time"),
        ("import os.path", "import os.path"),
        ("def f():\n    from random import choice", "from random"),
        ("from datetime import datetime", "from datetime"),
        ("import redis as storage", "import redis"),
        ("from kubernetes.client import CoreV1Api", "from kubernetes.client"),
        ("from jobs.kubernetes import nodes", "from jobs.kubernetes"),
        ("from jobs.durable.guard import uptime", "from jobs.durable.guard"),
        ("from jobs.durable import Store", "from jobs.durable import Store"),
        ("from ..kubernetes import nodes", "from ..kubernetes"),
        ("open('/etc/hosts')", "open()"),
        ("x = hash('node-1')", "hash()"),
        ("from jobs.activities.empty import empty_node as e\ne()", "e() outside of ctx.activity"),
    ],
)
def test_an_impure_workflow_is_found(planted: str, found: str) -> None:
    assert list(impurities(planted)) == [found]


def test_what_workflows_need_is_not_banned() -> None:
    source = (
        "import json\nfrom dataclasses import dataclass\nfrom jobs.durable import Context, Timer\n"
        "from jobs.activities.empty import empty_node\nfrom jobs.models import NodeStatus\n"
        "def f(ctx): return ctx.activity('evict', empty_node, since=ctx.now())\n"
    )
    assert list(impurities(source)) == []


# -- imports ---------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code and its contracts, to plant something in."""
    for folder in ("bot", "jobs", "sandbox"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> tuple[int, str]:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [str(program), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("jobs/durable/hints.py", "from jobs.models import PodRef"),
        ("jobs/ids.py", "import bot.settings"),
        ("bot/probes.py", "import sandbox.redis"),
        ("bot/budget.py", "from jobs.durable import Store"),
        ("bot/telling.py", "from jobs.kubernetes import nodes"),
        ("jobs/nodes/store.py", "import kubernetes"),
        ("jobs/models/base.py", "import redis"),
        ("jobs/drain/gates.py", "import rq"),
        ("bot/messages/text.py", "import slack_sdk"),
        ("jobs/newcomer.py", "NAME = 'a module that has no place in the layers'"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(copy: Path, module: str, line: str) -> None:
    with (copy / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    code, output = lint_imports(copy)
    assert code == 1, output
    place = module.removesuffix(".py").replace("/", ".")
    assert f"{place} ->" in output or "newcomer" in output


def test_the_tests_mirror_the_packages() -> None:
    strays = [
        name_of(path)
        for path in files("tests")
        if path.relative_to(ROOT / "tests").parts[0]
        not in {"bot", "jobs", "sandbox", "manifests", "conformance", "conftest.py", "__init__.py"}
        and path.parent != ROOT / "tests"
    ]
    assert strays == []
