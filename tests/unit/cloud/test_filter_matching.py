"""The rules of the matcher that the subscription index relies on: MQTT 3.1.1, section 4.7.1.

Every filter has its account and region in front, so that a topic may begin with ``$`` here.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.matcher import MQTTMatcher

SCOPE = "000000000000/eu-west-1"
LEVELS = st.sampled_from(["a", "b", "", "$aws"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=5).map("/".join)
FILTERS = st.builds(
    lambda levels, ending: "/".join([*levels, *ending]),
    st.lists(st.one_of(LEVELS, st.just("+")), min_size=1, max_size=5),
    st.sampled_from([[], ["#"]]),
) | st.just("#")


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1, section 4.7.1, word for word and slowly."""
    wanted, found = topic_filter.split("/"), topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        found = found[: len(wanted)]
    return len(wanted) == len(found) and all(
        level in ("+", other) for level, other in zip(wanted, found, strict=True)
    )


def matcher_of(filters: list[str]) -> Any:
    matcher: Any = MQTTMatcher()
    for topic_filter in filters:
        matcher[f"{SCOPE}/{topic_filter}"] = topic_filter
    return matcher


@given(st.lists(FILTERS, max_size=12), st.lists(FILTERS, max_size=6), TOPICS)
def test_it_finds_what_a_look_at_every_filter_finds(
    added: list[str], removed: list[str], topic: str
) -> None:
    matcher = matcher_of(added)
    for topic_filter in removed:
        with suppress(KeyError):
            del matcher[f"{SCOPE}/{topic_filter}"]

    found = list(matcher.iter_match(f"{SCOPE}/{topic}"))

    kept = set(added) - set(removed)
    assert sorted(found) == sorted(one for one in kept if matches(one, topic))


@given(st.lists(FILTERS, max_size=12))
def test_it_is_empty_again_when_every_filter_is_gone(filters: list[str]) -> None:
    matcher = matcher_of(filters)
    for topic_filter in set(filters):
        del matcher[f"{SCOPE}/{topic_filter}"]

    assert not matcher._root._children


@pytest.mark.parametrize("topic_filter", ["#", "+/things", "$aws/#", "$aws/+"])
def test_a_topic_that_begins_with_a_dollar_is_found_by_wildcards(topic_filter: str) -> None:
    # MiniStack decides which of these a client may hear; the index must not hide one.
    found = list(matcher_of([topic_filter]).iter_match(f"{SCOPE}/$aws/things"))

    assert found == [topic_filter]


def test_hash_stands_for_its_parent_too() -> None:
    assert list(matcher_of(["a/#"]).iter_match(f"{SCOPE}/a")) == ["a/#"]


def test_another_account_hears_nothing() -> None:
    assert list(matcher_of(["#"]).iter_match("111111111111/eu-west-1/a")) == []
