"""The story: what an operator lives through in an afternoon, played over the wire and checked."""

import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, get_args

import sandbox.slack
from sandbox.cluster import running
from sandbox.demo.scene import APPROVED, NODES, STRAY, story
from sandbox.demo.stage import Stage, http_delivery, standing
from sandbox.demo.theatre import OPS, CheckFailed, Theatre
from sandbox.processes import ChildFailedError
from sandbox.slack import Forgery


def play() -> int:
    """Play the whole story; returns 0 only if every check held."""
    said: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="drainbot-") as directory,
        running(story()) as cluster,
        sandbox.slack.running(sandbox.slack.demo_workspace()) as slack,
    ):
        kubeconfig = cluster.kubeconfig(Path(directory) / "kubeconfig")
        with standing(
            kubeconfig, lambda who, line: said.append(f"{who}: {line}"), lease_seconds=2.0
        ) as stage:
            theatre = Theatre(slack, cluster)
            try:
                _tell(theatre, stage)
            except (CheckFailed, ChildFailedError) as error:
                print(f"\nFAILED  {error}\n\nWhat the programs said last:", file=sys.stderr)
                print("\n".join(said[-60:]), file=sys.stderr)
                return 1
        print(f"\nAll {theatre.checks} checks held.")
    return 0


def _tell(theatre: Theatre, stage: Stage) -> None:
    _set_up(theatre, stage)
    _without_trouble(theatre)
    _approved(theatre)
    _retried(theatre)
    _forced(theatre)
    _skipped(theatre)
    _freed(theatre)
    _aborted(theatre)
    _uncordoned(theatre)
    _fence_lost(theatre)
    _worker_killed(theatre, stage)
    _bad_input(theatre)
    theatre.act("In the end")
    theatre.check_uids()


def _set_up(theatre: Theatre, stage: Stage) -> None:
    theatre.act("Redis, a cluster and Slack are up; the bot and a worker start")
    app = theatre.slack.workspace().apps[0]
    settings, address = http_delivery(theatre.slack.api_url, app.bot_token, app.signing_secret)
    theatre.slack.configure(request_url=address)
    bot = stage.start_bot(settings)
    bot.wait_for_line("bot_started", within_s=20)
    stage.start_worker()
    theatre.until(
        "the bot knows the nodes of the cluster",
        lambda: "node-1" in (theatre.slack.slash("ana", OPS, "/drain", "node-01").shown or ""),
    )


def _without_trouble(theatre: Theatre) -> None:
    theatre.act("A node is drained without trouble")
    before = theatre.pods("node-1")
    operation, delivery = theatre.drain("ana", "node-1 reason disk swap")
    again = theatre.slack.redeliver(delivery)
    theatre.check(
        "the same delivery, twice, is the same operation", operation in (again.shown or ""), again
    )
    theatre.finished(operation, "safe to power off")
    theatre.check_drained("node-1", before)
    full = "██████████ 6/6 drained"
    theatre.until("its bar is full", lambda: full in theatre.bars("node-1"))
    end = theatre.with_button(operation, "operation:return")
    theatre.slack.click("ana", OPS, end["ts"], "operation:return")
    theatre.until("@ana returns it: it takes pods again", lambda: not theatre.cordoned("node-1"))


def _approved(theatre: Theatre) -> None:
    theatre.act("Two nodes need an approval, and whoever asked may not give it")
    operation, _ = theatre.drain("ana", f"{' '.join(APPROVED)} reason new kernel")
    message = theatre.until("an approval is asked for", lambda: theatre.approval(operation))
    theatre.slack.click("ana", OPS, message["ts"], "Approve")
    theatre.told_alone("ana", "needs somebody else", "U0BO", "U0CY")
    theatre.check("nothing began", not any(map(theatre.cordoned, APPROVED)))
    theatre.slack.open_home("bo")
    theatre.until(
        "it waits for @bo on his home tab, with its buttons",
        lambda: "decide:approve" in str(theatre.slack.home("bo")),
    )
    theatre.slack.click("bo", OPS, message["ts"], "Approve")
    theatre.settled(message["ts"], "U0BO")
    theatre.finished(operation, "safe to power off")


def _uncordoned(theatre: Theatre) -> None:
    theatre.act("Somebody uncordons a node in the middle of its drain")
    operation, _ = theatre.drain("ana", STRAY)
    theatre.until(
        "its pod is on its way out",
        lambda: any(entry.node == STRAY for entry in theatre.carried_out()),
    )
    theatre.cluster.patch("Node", "", STRAY, {"spec": {"unschedulable": False}})
    message = theatre.asked(STRAY)
    theatre.check("it says what was seen", "uncordoned" in str(message["blocks"]), message)
    theatre.slack.click("bo", OPS, message["ts"], "decide:retry")
    theatre.settled(message["ts"], "U0BO")
    theatre.finished(operation, "safe to power off")
    theatre.check("it is cordoned again", theatre.cordoned(STRAY))


def _fence_lost(theatre: Theatre) -> None:
    theatre.act("Somebody uncordons a node that is drained: its fence is lost")
    theatre.cluster.patch("Node", "", "node-3", {"spec": {"unschedulable": False}})
    message = theatre.asked("node-3")
    seen = "What was seen: somebody uncordoned it"
    theatre.check("it says what was seen", seen in str(message["blocks"]), message)
    theatre.check("nothing is done by itself", not theatre.cordoned("node-3"))
    theatre.slack.click("bo", OPS, message["ts"], "decide:drain_again")
    theatre.settled(message["ts"], "U0BO")
    theatre.until("it is drained again", lambda: theatre.cordoned("node-3"))


def _retried(theatre: Theatre) -> None:
    theatre.act("A budget blocks; somebody makes room and clicks Retry")
    before = theatre.pods("node-2")
    operation, _ = theatre.drain("ana", "node-2")
    message = theatre.asked("node-2")
    theatre.check(
        "it names the pod, the budget and its numbers",
        all(word in str(message["blocks"]) for word in ("payments/retried-0", "retried", "2")),
        message["blocks"],
    )
    theatre.slack.click("gus", OPS, message["ts"], "Retry")
    theatre.told_alone("gus", "nothing changed")
    theatre.check("a click by somebody who may not changed nothing", theatre.question("node-2"))
    theatre.cluster.patch(
        "PodDisruptionBudget", "payments", "retried", {"spec": {"minAvailable": 1}}
    )
    theatre.slack.click("bo", OPS, message["ts"], "Retry")
    theatre.settled(message["ts"], "U0BO")
    theatre.finished(operation, "safe to power off")
    theatre.check_drained("node-2", before)


def _forced(theatre: Theatre) -> None:
    theatre.act("A budget blocks for good: forced, one named pod, by somebody who may")
    before = theatre.pods("node-3")
    operation, _ = theatre.drain("ana", "node-3")
    message = theatre.asked("node-3")
    theatre.slack.click("ana", OPS, message["ts"], "decide:force")
    theatre.told_alone("ana", "can't force this", "U0BO", "U0CY")
    theatre.check("nothing is forced yet", theatre.pods("node-3") == before)
    theatre.slack.click("bo", OPS, message["ts"], "decide:force")
    modal = theatre.until("a form opens", lambda: theatre.slack.modals("bo"))[-1]
    theatre.check("it lists exactly the pod", "payments/forced-0" in str(modal["blocks"]))
    theatre.slack.submit("bo", _answers(modal, "primary moved", "node-3"[-4:]))
    theatre.settled(message["ts"], "primary moved")
    theatre.slack.click_stale("cy", message, OPS, "Retry")
    theatre.told_alone("cy", "already settled")
    theatre.finished(operation, "Forced: payments/forced-0 by <@U0BO>, <!date")
    theatre.finished(operation, '"primary moved"')
    theatre.check_drained("node-3", before)
    deleted = [e for e in theatre.carried_out() if e.verb == "delete"]
    theatre.check("one pod was deleted past its budget", len(deleted) == 1, deleted)


def _answers(modal: dict[str, Any], reason: str, confirmation: str) -> dict[str, str]:
    """Fill in a form's inputs by what their names say."""
    answers: dict[str, str] = {}
    for block in modal["blocks"]:
        if block["type"] == "input":
            name = str(block["block_id"])
            answers[name] = reason if "reason" in name else confirmation
    return answers


def _skipped(theatre: Theatre) -> None:
    theatre.act("A budget blocks: skipped")
    before = theatre.pods("node-4")
    operation, _ = theatre.drain("ana", "node-4")
    message = theatre.asked("node-4")
    theatre.slack.click("cy", OPS, message["ts"], "decide:skip")
    theatre.settled(message["ts"], "U0CY")
    theatre.finished(operation, "skipped")
    theatre.check("its pod runs on, with the same uid", theatre.pods("node-4") == before)
    theatre.check("our own cordon is undone: nothing was evicted", not theatre.cordoned("node-4"))


def _freed(theatre: Theatre) -> None:
    theatre.act("A budget blocks; somebody scales the workload, and the drain goes on alone")
    before = theatre.pods("node-5")
    operation, _ = theatre.drain("ana", "node-5")
    message = theatre.asked("node-5")
    verdict = "Waiting won't help. Scaling freed to 3 would"
    theatre.check("it says whether waiting helps", verdict in str(message["blocks"]), message)
    theatre.cluster.scale("payments", "freed", 3)
    theatre.settled(message["ts"], "no longer needed")
    theatre.finished(operation, "safe to power off")
    theatre.check_drained("node-5", before)
    theatre.slack.click_stale("bo", message, OPS, "Retry")
    theatre.told_alone("bo", "no longer needed")


def _aborted(theatre: Theatre) -> None:
    theatre.act("An operation is aborted")
    before = theatre.pods("node-6")
    operation, _ = theatre.drain("ana", "node-6")
    message = theatre.asked("node-6")
    told = theatre.slack.slash("ana", OPS, "/drain", f"abort {operation} wrong node")
    theatre.check("@ana aborts it by its id", operation in (told.shown or ""), told.shown)
    theatre.settled(message["ts"], "abort")
    theatre.finished(operation, "aborted")
    theatre.check("its pod runs on, with the same uid", theatre.pods("node-6") == before)
    theatre.check("our own cordon is undone", not theatre.cordoned("node-6"))


def _worker_killed(theatre: Theatre, stage: Stage) -> None:
    theatre.act("The worker is killed with SIGKILL in the middle of forty pods")
    before = theatre.pods("node-7")
    operation, _ = theatre.drain("bo", "node-7")
    gone = len(before) // 4
    theatre.until(
        f"at least {gone} pods are evicted",
        lambda: _moved(theatre, "node-7") >= gone,
    )
    killed = time.monotonic()
    stage.workers[-1].signal(signal.SIGKILL)
    stage.workers[-1].wait(within_s=5)
    theatre.check("pods were still there when it died", theatre.pods("node-7"))
    told = theatre.slack.slash("ana", OPS, "/drain", f"status {operation}")
    theatre.check("the bot still answers", told.shown, told)
    shown, moved = theatre.bars("node-7"), _moved(theatre, "node-7")
    stage.start_worker()
    theatre.until("the next one goes on", lambda: _moved(theatre, "node-7") > moved)
    theatre.until("the bars go on", lambda: theatre.bars("node-7") != shown)
    theatre.note(f"the bars paused for {time.monotonic() - killed:.1f} s")
    theatre.finished(operation, "safe to power off")
    theatre.check_drained("node-7", before)


def _moved(theatre: Theatre, node: str) -> int:
    return sum(entry.node == node for entry in theatre.carried_out())


def _bad_input(theatre: Theatre) -> None:
    theatre.act("What people mistype")
    parents = len(theatre.slack.messages(OPS))
    for text, words in (
        ("node-77", "node-7"),
        ("node-8 --delete-emptydir", "delete-emptydir-data"),
        (" ".join(f"n{number}" for number in range(400)), ""),
        ("<!channel>", ""),
    ):
        told = theatre.slack.slash("ana", OPS, "/drain", text)
        shown = told.shown or ""
        named = text[:30] + ("…" if len(text) > 30 else "")  # noqa: PLR2004  a line's room
        theatre.check(f"/drain {named} is answered", shown and words in shown.lower(), shown)
        theatre.check("    and pings nobody", "<!channel>" not in shown, shown)
    theatre.slack.slash("ana", OPS, "/drain", "")
    theatre.until("/drain alone opens a form", lambda: theatre.slack.modals("ana"))
    for forgery in get_args(Forgery):
        told = theatre.slack.slash("ana", OPS, "/drain", "node-8", forgery=forgery)
        theatre.check(f"a delivery that is {forgery} is refused", told.status == 401, told)  # noqa: PLR2004
    theatre.check("nothing was started", len(theatre.slack.messages(OPS)) == parents)
    theatre.check("no other node was touched", not any(map(theatre.cordoned, NODES[7:])))
