"""How fast drains are, beside the floor and `kubectl drain`: see :mod:`sandbox.bench.races`.

The rate limit is off. Redis is synced on each write, as in production.
"""

from statistics import median

from sandbox.bench import scenes
from sandbox.bench.figures import percentile, report, say
from sandbox.bench.memory import peak_memory
from sandbox.bench.races import Race, race

_CROWD_PAIRS, _PACED_PAIRS, _TEAM_PAIRS, _FLEET_PAIRS = 7, 3, 5, 2
_FLEET_AT_ONCE = 16


def drain_crowd() -> None:
    """Time one node of 220 pods, and count what is asked of the API server."""
    count = scenes.CROWD
    say(f"a node of {count} pods")
    with race(scenes.crowd(), scenes.node_names(1), at_once=1) as run:
        run.pairs(_CROWD_PAIRS)
        run.report(f"drain_{count}_pods")
        requests = [took.requests / count for took in run.took]
        report(f"requests_per_pod_at_{count}", median(requests), "requests", len(requests))
        theirs = run.run_kubectl()
        if theirs is not None:
            _report_kubectl(f"drain_{count}_pods", run, theirs.seconds)
            asked = theirs.requests / count
            report(f"kubectl_requests_per_pod_at_{count}", asked, "requests", 1)


def drain_paced() -> None:
    """Time 20 pods under `maxUnavailable: 1`, and how soon each freed budget is used."""
    count = scenes.PACED
    say(f"a node of {count} pods, one at a time")
    names = scenes.node_names(1)
    with race(scenes.paced(), names, at_once=1, namespace=scenes.NAMESPACE) as run:
        run.pairs(_PACED_PAIRS, warm_up=False)  # its 12 s are the replacements'
        run.report(f"budget_paced_{count}_pods")
        waits = run.freed_to_eviction
        report("budget_freed_to_eviction_p50_ms", percentile(waits, 50), "ms", len(waits))
        report("budget_freed_to_eviction_p95_ms", percentile(waits, 95), "ms", len(waits))
        theirs = run.run_kubectl()
        if theirs is not None:
            _report_kubectl(f"budget_paced_{count}_pods", run, theirs.seconds)


def drain_team() -> None:
    """Time ten nodes of 30 pods, all at once."""
    count = scenes.TEAM
    say(f"{count} nodes at once")
    with race(scenes.team(), scenes.node_names(count), at_once=count) as run:
        run.pairs(_TEAM_PAIRS)
        run.report("ten_nodes_at_once")
        theirs = run.run_kubectl()
        if theirs is not None:
            _report_kubectl("ten_nodes_at_once", run, theirs.seconds)


def drain_fleet() -> None:
    """Drain 200 nodes of 30 pods, 16 at a time, and see how much memory the worker takes."""
    count = scenes.FLEET
    say(f"{count} nodes, {_FLEET_AT_ONCE} at a time")
    with race(scenes.fleet(), scenes.node_names(count), at_once=_FLEET_AT_ONCE) as run:
        with peak_memory(run.ours.worker) as peak:
            run.pairs(_FLEET_PAIRS, warm_up=False)
        report(
            "nodes_per_second", median([count / s for s in run.seconds]), "nodes/s", _FLEET_PAIRS
        )
        floors = [count / seconds for seconds in run.floors]
        report("nodes_per_second_floor", median(floors), "nodes/s", _FLEET_PAIRS)
        run.report_ratio("seconds_for_all_nodes")
        report("peak_memory_mb", peak.mb, "MB", peak.looks)


def _report_kubectl(figure: str, run: Race, seconds: float) -> None:
    report(f"{figure}_kubectl_s", seconds, "s", 1)
    report(f"{figure}_of_kubectl", median(run.seconds) / seconds, "times", 1)
