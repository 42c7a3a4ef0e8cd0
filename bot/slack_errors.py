"""Slack's error codes, by what they mean for telling.

https://docs.slack.dev/reference/methods/chat.postMessage#errors and
https://docs.slack.dev/reference/methods/chat.update#errors
"""

__all__ = [
    "APP_REFUSED",
    "BLOCKS_REFUSED",
    "CHANNEL_GONE",
    "MESSAGE_GONE",
    "THREAD_GONE",
]

CHANNEL_GONE = frozenset(
    {
        "channel_not_found",
        "is_archived",
        "is_inactive",
        "not_in_channel",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
    }
)
MESSAGE_GONE = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "cant_delete_message"}
)
THREAD_GONE = frozenset({"thread_not_found", "cannot_reply_to_message", "invalid_thread_ts"})
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
# Nothing about this message: the app itself is refused until a person repairs it.
APP_REFUSED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "ekm_access_denied",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
