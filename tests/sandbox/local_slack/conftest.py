"""A running local Slack, where npm can get it."""

from collections.abc import Iterator

import pytest

from sandbox import local_slack
from sandbox.local_slack import LocalSlack, LocalSlackMissingError, install
from tests.sandbox.local_slack.workspaces import workspace


@pytest.fixture
def slack() -> Iterator[LocalSlack]:
    try:
        install()
    except LocalSlackMissingError as error:
        pytest.skip(str(error))
    with local_slack.running(workspace()) as running:
        yield running
