import pytest
from pydantic import SecretStr

from bot.settings import (
    Address,
    ApiSettings,
    BotSettings,
    ClientSettings,
    Settings,
    SettingsError,
    WorkerSettings,
    all_fields,
    load,
)

BOT = {
    "DRAINBOT_REDIS_URL": "redis://:hunter2@127.0.0.1:6379/0",
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_SIGNING_SECRET": "s3cret",
}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _ in all_fields():
        monkeypatch.delenv(variable, raising=False)


def setenv(monkeypatch: pytest.MonkeyPatch, **variables: str) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def problem(kind: type[Settings]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(kind)
    return str(caught.value)


def test_the_bot_starts_with_its_required_settings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **BOT)
    settings = load(BotSettings)
    assert settings.redis_url.get_secret_value() == BOT["DRAINBOT_REDIS_URL"]
    assert settings.cluster == "default"
    assert settings.slack_listen == Address("127.0.0.1", 3000)
    assert settings.probe_listen is None
    assert not settings.socket_mode


def test_an_app_token_means_socket_mode_also_where_both_are_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setenv(monkeypatch, **BOT, SLACK_APP_TOKEN="xapp-1")
    assert load(BotSettings).socket_mode


def test_a_missing_setting_is_named_with_an_example_on_one_line() -> None:
    said = problem(WorkerSettings)
    assert said == "DRAINBOT_REDIS_URL is not set (for example redis://127.0.0.1:6379/0)"


def test_every_mistake_is_named_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(
        monkeypatch,
        DRAINBOT_REDIS_URL="http://x",
        DRAINBOT_CLUSTER="Prod EU",
        DRAINBOT_LOG_FORMAT="xml",
        DRAINBOT_SLACK_LISTEN="3000",
        DRAINBOT_GROUPS_SECONDS="often",
        SLACK_API_URL="slack.com",
    )
    said = problem(BotSettings)
    assert "\n" not in said
    for variable in (
        "DRAINBOT_REDIS_URL",
        "DRAINBOT_CLUSTER",
        "DRAINBOT_LOG_FORMAT",
        "DRAINBOT_SLACK_LISTEN",
        "DRAINBOT_GROUPS_SECONDS",
        "SLACK_API_URL",
        "SLACK_BOT_TOKEN",
    ):
        assert variable in said


def test_without_any_way_to_be_reached_by_slack_the_bot_says_which_two_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setenv(monkeypatch, DRAINBOT_REDIS_URL="redis://h", SLACK_BOT_TOKEN="xoxb-1")
    said = problem(BotSettings)
    assert "SLACK_APP_TOKEN" in said
    assert "SLACK_SIGNING_SECRET" in said


@pytest.mark.parametrize(
    ("variable", "value", "belongs"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1", "SLACK_APP_TOKEN"),
        ("SLACK_APP_TOKEN", "xoxb-1", "SLACK_BOT_TOKEN"),
    ],
)
def test_tokens_that_were_swapped_are_recognized(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, belongs: str
) -> None:
    setenv(monkeypatch, **{**BOT, variable: value})
    assert f"belongs into {belongs}" in problem(BotSettings)


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **BOT, SLACK_APP_TOKEN="xapp-hunter2", DRAINBOT_TOKEN="hunter2")
    for kind in (BotSettings, ClientSettings):
        shown = repr(load(kind)) + load(kind).model_dump_json()
        assert "hunter2" not in shown
        assert "s3cret" not in shown
    setenv(monkeypatch, DRAINBOT_REDIS_URL="htp://:hunter2@h", SLACK_BOT_TOKEN="xapp-hunter2")
    assert "hunter2" not in problem(BotSettings)


def test_secrets_hold_secret_types() -> None:
    for kind in (BotSettings, ClientSettings):
        for variable, field in all_fields(kind):
            if variable.endswith(("TOKEN", "SECRET", "REDIS_URL")):
                assert "SecretStr" in str(field.annotation), variable


def test_a_line_break_behind_a_secret_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **{**BOT, "SLACK_BOT_TOKEN": "xoxb-1\n"})
    assert load(BotSettings).slack_bot_token == SecretStr("xoxb-1")


def test_an_empty_variable_is_as_good_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **BOT, SLACK_APP_TOKEN="", DRAINBOT_CLUSTER="", DRAINBOT_POLICY="")
    settings = load(BotSettings)
    assert (settings.cluster, settings.policy, settings.socket_mode) == ("default", None, False)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:3000", Address("127.0.0.1", 3000)),
        ("[::1]:80", Address("::1", 80)),
        ("localhost:0", Address("localhost", 0)),
    ],
)
def test_addresses_are_host_and_port(
    monkeypatch: pytest.MonkeyPatch, text: str, address: Address
) -> None:
    setenv(monkeypatch, **BOT, DRAINBOT_SLACK_LISTEN=text)
    assert load(BotSettings).slack_listen == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["3000", ":3000", "h:", "h:x", "h:70000", "h:-1", "h:²"])
def test_what_is_no_address_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    setenv(monkeypatch, **BOT, DRAINBOT_SLACK_LISTEN=text)
    assert "host:port" in problem(BotSettings)


def test_the_address_of_the_web_api_ends_with_one_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    setenv(monkeypatch, **BOT, SLACK_API_URL="http://127.0.0.1:1/api")
    assert load(BotSettings).slack_api_url == "http://127.0.0.1:1/api/"


def test_every_variable_has_words_and_an_example_for_help() -> None:
    fields = all_fields()
    assert len(fields) == len(dict(fields))
    assert all(field.description and field.examples for _, field in fields)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("8070", Address("127.0.0.1", 8070)),
        (" 0.0.0.0:80 ", Address("0.0.0.0", 80)),  # noqa: S104  told to
        ("[::1]:8070", Address("::1", 8070)),
    ],
)
def test_a_port_alone_is_one_of_the_loopback(
    monkeypatch: pytest.MonkeyPatch, said: str, meant: Address
) -> None:
    monkeypatch.setenv("DRAINBOT_REDIS_URL", "redis://127.0.0.1")
    monkeypatch.setenv("DRAINBOT_HTTP_LISTEN", said)
    assert load(ApiSettings).http_listen == meant
