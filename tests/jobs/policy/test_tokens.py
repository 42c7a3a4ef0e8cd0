import hashlib

import pytest

from jobs.authorization import principal_for_token
from jobs.policy import Policy, parse_policy


def token_policy(*tokens: str) -> Policy:
    lines = "".join(
        f"- {{sha256: {hashlib.sha256(token.encode()).hexdigest()}, user: U{number}, "
        "scopes: [read, force]}\n"
        for number, token in enumerate(tokens, start=1)
    )
    return parse_policy(f"team: T1\nclusters: {{prod: {{}}}}\ntokens:\n{lines}")


def test_a_token_names_its_person_and_scopes() -> None:
    policy = token_policy("first", "second", "third")
    principal = principal_for_token("second", policy, via="http")
    assert principal is not None
    assert (principal.id, principal.via) == ("T1:U2", "http")
    assert principal.scopes == frozenset({"read", "force"})
    assert not principal.groups_known


@pytest.mark.parametrize("token", ["", "secon", "second ", "SECOND", "\ud800"])
def test_any_other_token_names_nobody(token: str) -> None:
    assert principal_for_token(token, token_policy("first", "second")) is None


def test_the_empty_token_names_nobody_even_where_its_hash_stands() -> None:
    assert principal_for_token("", token_policy("")) is None
