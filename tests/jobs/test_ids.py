import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.ids import (
    IdError,
    close_matches,
    cluster_of,
    did_you_mean,
    is_cluster_name,
    is_node_name,
    is_question,
    operation_id,
    parse_operation,
    question_id,
    quoted,
    short,
)

CLUSTERS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)
RANDOM = st.binary(min_size=8, max_size=16)


@given(CLUSTERS, RANDOM)
def test_an_operation_carries_its_cluster_and_comes_back_from_what_people_see(
    cluster: str, random: bytes
) -> None:
    made = operation_id(cluster, random)
    assert cluster_of(made) == cluster
    assert not is_question(made)
    assert short(made) == made[-6:].upper()
    for typed in (made, made.upper(), f"{cluster}/{short(made)}", f" op {made} "):
        assert parse_operation(typed, "") == made
    for typed in (short(made), f"op {short(made)}", f"#{short(made).lower()}"):
        assert parse_operation(typed, cluster) == made


@given(CLUSTERS, RANDOM)
def test_a_question_carries_its_cluster_whatever_the_cluster_is_called(
    cluster: str, random: bytes
) -> None:
    made = question_id(cluster, random)
    assert cluster_of(made) == cluster
    assert is_question(made)
    assert short(made) == made[-12:].upper()


def test_a_cluster_that_ends_like_a_question_is_not_taken_for_one() -> None:
    made = operation_id("a-q-abcdefghjkmn", bytes(8))
    assert cluster_of(made) == "a-q-abcdefghjkmn"
    assert not is_question(made)
    assert cluster_of("prod-q-7f3k9q") == "prod-q"


def test_ids_are_the_base32_of_the_chance_that_was_passed_in() -> None:
    assert operation_id("prod-eu", b"\x00\x00\x00\x00") == "prod-eu-000000"
    assert operation_id("prod-eu", b"\xff\xff\xff\xff") == "prod-eu-zzzzzz"
    assert operation_id("prod-eu", (33).to_bytes(4, "big")) == "prod-eu-000011"
    assert question_id("prod-eu", b"\xff" * 8) == "prod-eu-q-zzzzzzzzzzzz"


def test_too_little_chance_makes_no_id() -> None:
    with pytest.raises(ValueError, match="30 random bits"):
        operation_id("prod", b"abc")
    with pytest.raises(ValueError, match="60 random bits"):
        question_id("prod", b"abcdefg")


def test_letters_that_people_mix_up_are_read_as_crockford_says() -> None:
    assert parse_operation("OIL123", "prod") == "prod-011123"


@pytest.mark.parametrize(
    "typed", ["", "7F3K9", "7F3K9QQ", "7F3K9U", "op", "<!here>", "prod-eu-q-0123456789ab", "a b"]
)
def test_what_is_no_operation_is_told_with_an_example(typed: str) -> None:
    with pytest.raises(IdError, match="one looks like 7F3K9Q"):
        parse_operation(typed, "prod")


def test_a_bare_id_needs_a_default_cluster() -> None:
    with pytest.raises(IdError, match="Say the cluster too, as in prod-eu-7f3k9q"):
        parse_operation("7F3K9Q", "")


@pytest.mark.parametrize(
    "forged",
    ["", "prod", "prod-7F3K9Q", "-7f3k9q", "prod-7f3k9u", "a" * 41 + "-7f3k9q", "p-7f3k9q\n"],
)
def test_a_forged_id_names_no_cluster(forged: str) -> None:
    for read in (cluster_of, short, is_question):
        with pytest.raises(IdError, match="not an id"):
            read(forged)


@given(st.text())
def test_any_text_is_read_or_refused_as_an_id(text: str) -> None:
    try:
        read = parse_operation(text, "prod")
    except IdError:
        return
    assert cluster_of(read)


@pytest.mark.parametrize("name", ["a", "prod-eu", "0", "a" * 40])
def test_clusters_are_dns_labels_of_at_most_40_characters(name: str) -> None:
    assert is_cluster_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "a" * 41, "a\n", "ä"])
def test_other_names_are_no_clusters(name: str) -> None:
    assert not is_cluster_name(name)
    with pytest.raises(IdError, match="not a cluster's name"):
        operation_id(name, bytes(8))


@pytest.mark.parametrize("name", ["node-1", "ip-10-0-0-1.ec2.internal", "a" * 253, "0.1"])
def test_nodes_are_dns_subdomains(name: str) -> None:
    assert is_node_name(name)


@pytest.mark.parametrize("name", ["", ".", "a..b", "a.-b", "A", "a_b", "a" * 254, "a\n", "<!here>"])
def test_other_names_are_no_nodes(name: str) -> None:
    assert not is_node_name(name)


def test_typos_find_what_was_meant() -> None:
    nodes = ["node-1", "node-2", "gpu-7"]
    assert did_you_mean("gpu7", nodes) == "Did you mean gpu-7?"
    assert did_you_mean("NODE-1", nodes).startswith("Did you mean node-1")
    assert close_matches("nod-2", nodes)[0] == "node-2"
    assert did_you_mean("elephant", nodes) == ""
    assert did_you_mean("x", []) == ""


def test_a_typo_is_found_among_thousands_of_alike_names() -> None:
    nodes = [f"ip-10-0-{i // 250}-{i % 250}.eu-west-1.compute.internal" for i in range(5000)]
    assert nodes[757] in close_matches("ip-10-0-3-7.eu-west-1.compute.internl", nodes)


@given(st.text(max_size=300))
def test_a_quoted_word_can_neither_ping_nor_format(word: str) -> None:
    shown = quoted(word)
    assert len(shown) <= 62
    assert not set("<>&@\n\r\u202e\u2028") & set(shown)
    assert shown.count("`") == 2


def test_a_quoted_word_stays_readable() -> None:
    assert quoted("node-1") == "`node-1`"
    assert quoted("x" * 100) == f"`{'x' * 59}…`"
    assert quoted("ana\ud800") == "`ana�`"
