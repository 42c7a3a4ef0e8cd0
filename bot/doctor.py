"""What `drainbot doctor` and `drainbot replay-check` look at, and what they print."""

import json
from dataclasses import asdict
from typing import Any

import typer

from bot import logs
from bot.settings import DoctorSettings, Settings
from bot.slack_health import SlackHealth, scopes_of
from jobs.doctor import (
    Finding,
    Level,
    compare_clocks,
    examine_cluster,
    examine_redis,
    examine_workers,
    replay_cluster,
)
from jobs.errors import DrainbotError
from jobs.policy import load_policy

__all__ = ["replay", "run"]

_MARKS = {Level.OK: "ok     ", Level.UNKNOWN: "unknown", Level.UNSAFE: "UNSAFE "}


def run(settings: DoctorSettings, *, as_json: bool) -> int:
    """Look at everything, print what was found; return the exit code: 1 if anything is unsafe."""
    logs.configure("console", level=logs.SILENT)
    found, redis_time = examine_redis(settings.redis_url.get_secret_value())
    cluster, cluster_time = examine_cluster(settings.kubeconfig)
    slack, slack_time = _slack(settings)
    found += cluster + slack + _policy(settings.policy)
    if redis_time is not None:
        found += examine_workers(settings.redis_url.get_secret_value(), settings.cluster)
        told = {"The API server's clock": cluster_time, "Slack's clock": slack_time}
        known = {name: at for name, at in told.items() if at is not None}
        found += compare_clocks(redis_time, known)
    for finding in found:
        _print(finding, as_json=as_json)
    unsafe = sum(finding.level is Level.UNSAFE for finding in found)
    if not as_json:
        typer.echo(f"{len(found)} looked at, {unsafe} unsafe.")
    return 1 if unsafe else 0


def replay(settings: Settings, *, as_json: bool) -> int:
    """Replay what is under way in a cluster; return the exit code: 1 if anything would diverge."""
    logs.configure("console", level=logs.SILENT)
    replayed = replay_cluster(settings.redis_url.get_secret_value(), settings.cluster)
    diverging = [each for each in replayed if each.problem]
    for each in replayed:
        if as_json:
            typer.echo(json.dumps(asdict(each)))
        elif each.problem:
            typer.echo(f"{each.workflow} ({each.name}) would stop for a person: {each.problem}")
    if not as_json:
        typer.echo(
            f"{len(replayed)} under way in {settings.cluster}, {len(diverging)} would diverge."
        )
    return 1 if diverging else 0


def _print(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(finding)))
        return
    typer.echo(f"{_MARKS[finding.level]} {finding.part}: {finding.what}")
    if finding.mend:
        typer.echo(f"        {finding.mend}")


def _slack(settings: DoctorSettings) -> tuple[list[Finding], int | None]:
    if settings.slack_bot_token is None:
        mend = "Set SLACK_BOT_TOKEN as the bot has it, to have it looked at."
        return [Finding("slack", Level.UNKNOWN, "no token was given", mend)], None
    health = scopes_of(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    return _judge_slack(health), health.at


def _judge_slack(health: SlackHealth) -> list[Finding]:
    if health.wrong:
        mend = "Use the bot token (xoxb-…) of the installed app."
        return [Finding("slack", Level.UNSAFE, health.wrong, mend)]
    found = [Finding("slack", Level.OK, f"it takes the token, of workspace {health.team}")]
    manifest = "manifests/slack-app.yaml"
    if health.missing:
        what = f"scopes are missing: {', '.join(health.missing)}"
        mend = f"Add them as in {manifest}, and install the app again."
        found.append(Finding("slack", Level.UNSAFE, what, mend))
    if health.excess:
        what = f"more scopes than needed: {', '.join(health.excess)}"
        mend = f"Take them away: {manifest} has those that are used."
        found.append(Finding("slack", Level.UNSAFE, what, mend))
    if not health.missing and not health.excess:
        found.append(Finding("slack", Level.OK, "exactly the scopes that are needed"))
    return found


def _policy(path: str | None) -> list[Finding]:
    if path is None:
        mend = "Set DRAINBOT_POLICY. Without it nobody may do anything."
        return [Finding("policy", Level.UNSAFE, "no policy file is named", mend)]
    try:
        policy = load_policy(path)
    except DrainbotError as error:
        detail: dict[str, Any] = {"what": str(error), "mend": "Mend the lines that are named."}
        return [Finding("policy", Level.UNSAFE, **detail)]
    return [Finding("policy", Level.OK, f"{path} is right: {len(policy.rules)} rules")]
