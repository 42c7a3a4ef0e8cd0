"""A Slack in the browser for the demo: `local-slack`, fetched by npm and run on loopback.

    with local_slack.running(workspace) as slack:
        print(slack.url)  # the page
        bot = {"SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": workspace.apps[0].bot_token}

It looks good and says yes to nearly everything, so it shows the happy path; what Slack refuses is
tested on :mod:`sandbox.slack`. What 0.1.8 was seen to do:

- **Delivery**: both ways work with Bolt, unchanged, in the same time (11 ms a command here).
  Socket Mode suits the demo better: it needs no address of the bot beforehand, a bot that was
  killed comes back by itself, and the page shows whether the bot is connected. But every connection
  gets every delivery, so several copies of a bot need signed HTTP. What finds no bot is dropped
  with a line in the log; nothing comes again.
- **Payloads** are Slack's in what a listener reads: a command's form fields with `trigger_id` and
  `response_url`; `block_actions` with user, team, channel, container, the whole message, actions
  and `response_url`; `view_submission` with every input in `state.values`, null where nothing was
  typed. They lack `enterprise`, a reply's `thread_ts` in the container, and messages' `state`.
- **Modals** work in the page from `views.open` to `ack(response_action="errors")`: inputs of text
  (one line, also where `multiline`), static_select, checkboxes, radio buttons and dates. The page
  doesn't enforce required inputs and reports a preset value that nobody touched as null, so a
  listener has to answer with errors itself. There is one stack of modals for all people. Buttons
  in a modal do nothing, and the control API can't send a modal off.
- **Home tab**: under Apps in the page, with its buttons; looking at it is an `app_home_opened`.
- **Threads** open beside the channel; a reply that is broadcast is seen in the thread alone. A
  permalink leads to its message, marked, also within a thread; `auth.test` says another address
  than the page's.
- **Ids**: blocks and buttons without one get none; a message's `ts` is `seconds.counter`.
- **People**: who acts is chosen in the page ("Act as"). It knows no guests, other teams or user
  groups (`usergroups.*` is an unknown method): a policy for it names people. `ack("text")` and
  ephemeral messages are seen by all; `confirm` is not asked; metadata is dropped.
- A trigger id works for 30 minutes and more than once; nothing is ever answered with 429.
"""

from sandbox.local_slack.client import LocalSlack
from sandbox.local_slack.program import LocalSlackMissingError, install
from sandbox.local_slack.running import running

__all__ = ["LocalSlack", "LocalSlackMissingError", "install", "running"]
