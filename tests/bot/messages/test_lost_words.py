"""What people read after Redis came back empty."""

from bot.messages.lost import lost_message
from jobs.models import LostState, OrphanView
from sandbox.slack.blockkit import problems
from tests.bot.messages import samples
from tests.bot.messages.test_any_input import NASTY
from tests.bot.messages.test_message_golden import compare, shown_as_json

NODE_17 = OrphanView(
    node="node-17", uid="u17", operation="prod-eu-7f3k9q", since="2026-09-21T14:02:11Z",
    requested_by=samples.ANA, reason="kernel update",
)  # fmt: skip
NODE_18 = NODE_17.model_copy(update={"node": "node-18", "reason": "", "stays_cordoned": True})
NODE_19 = OrphanView(node="node-19", uid="u19", operation="prod-eu-9xk2aa", cordoned=False)
LOST = LostState(cluster="prod-eu", at=samples.T0, orphans=(NODE_17, NODE_18, NODE_19))


def test_the_message_reads_as_its_golden_file_says() -> None:
    compare("lost.json", shown_as_json([lost_message(LOST)]))


def test_many_nodes_are_counted_and_the_message_stays_one_that_slack_takes() -> None:
    many = tuple(NODE_17.model_copy(update={"node": f"node-{n}"}) for n in range(300))
    message = lost_message(LOST.model_copy(update={"orphans": many}))
    assert problems(list(message.blocks)) == []
    assert "300 nodes still carry" in str(message.blocks)
    assert "290 more nodes" in str(message.blocks)


def test_what_others_wrote_on_a_node_pings_nobody_and_formats_nothing() -> None:
    for nasty in NASTY:
        orphan = OrphanView(
            node=nasty, uid="u", operation=nasty, since=nasty, requested_by=nasty, reason=nasty
        )
        message = lost_message(LOST.model_copy(update={"cluster": nasty, "orphans": (orphan,)}))
        assert problems(list(message.blocks)) == []
        said = str(message.blocks) + message.text
        for token in ("<!here", "<!channel", "<!subteam", "<@", "<https"):
            assert token not in said


def test_a_group_that_somebody_wrote_on_a_node_is_not_mentioned() -> None:
    orphan = NODE_17.model_copy(update={"requested_by": "S0EVERYBODY"})
    assert "<!" not in str(lost_message(LOST.model_copy(update={"orphans": (orphan,)})).blocks[2])
    assert "subteam" not in str(lost_message(LOST.model_copy(update={"orphans": (orphan,)})))
