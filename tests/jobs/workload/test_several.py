"""Several nodes at once."""

from jobs.workload import Gone, Summary, begin, observe, summarize


def test_each_node_counts_once_and_a_draining_one_is_missed_from_the_beginning_of_its_drain() -> (
    None
):
    modes = ["accepting", "draining", "drained", "maintenance", "returning", "fence_lost"]
    lives = [begin(f"node-{at}", "u", mode, 0).life for at, mode in enumerate(modes)]
    gone = observe(begin("node-9", "u", "accepting", 0).life, Gone("It was deleted."))
    assert gone is not None
    summary = summarize([gone.life, *lives])
    assert summary == Summary(
        accepting=("node-0",),
        leaving=("node-1",),
        away=("node-2", "node-3", "node-4"),
        halted=("node-5", "node-9"),
    )
    assert [summary.missing(wanted) for wanted in (0, 1, 2, 3)] == [0, 0, 1, 2]
    assert summarize([]).missing(2) == 2
