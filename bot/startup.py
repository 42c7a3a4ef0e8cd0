"""What the bot needs before it can begin: Redis, and what Slack says of its token."""

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from bot.app import Identity
from bot.settings import Settings
from bot.waiting import NotYet
from bot.web_client import SlackAway, SlackRefused, asked, web_client
from jobs.errors import ConfigError
from jobs.policy import Policy

__all__ = ["identify", "ping", "redis_away", "redis_client"]

_SLACK_SECONDS = 5
_AGAIN_SECONDS = 0.05


def redis_client(settings: Settings, *, timeout: float) -> Redis:
    """Return a client of Redis; `timeout` is for each of at most two tries, in seconds."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        client_name="drainbot-bot",
        decode_responses=True,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(ConstantBackoff(_AGAIN_SECONDS), 1),
    )


def redis_away(redis: Redis) -> str:
    """Say why Redis doesn't answer, or ""."""
    try:
        redis.ping()
    except RedisError as error:
        return f"Redis can't be reached ({type(error).__name__})"
    return ""


def ping(redis: Redis) -> bool:
    """Return True, or raise :class:`NotYet` while Redis is away."""
    wrong = redis_away(redis)
    if wrong:
        raise NotYet(wrong)
    return True


def identify(token: str, api_url: str, policy: Policy | None) -> Identity:
    """Ask Slack once whose token it is.

    Raises :class:`NotYet` while Slack is away, :class:`ConfigError` for a token that it refuses
    or that is of another workspace than the policy.
    """
    client = web_client(token, api_url, timeout=_SLACK_SECONDS)
    try:
        answer = asked(client.auth_test)
    except SlackAway as away:
        raise NotYet(str(away), away.retry_after) from away
    except SlackRefused as refused:
        raise ConfigError(
            f"SLACK_BOT_TOKEN is refused by Slack ({refused.code}): use the bot token of the "
            "installed app (xoxb-…)"
        ) from refused
    data = answer.data
    identity = Identity.of(data if isinstance(data, dict) else {})
    if policy is not None and identity.team != policy.team:
        raise ConfigError(
            f"SLACK_BOT_TOKEN is of the workspace {identity.team}, and the policy is for "
            f"{policy.team}: one of them is wrong"
        )
    return identity
