from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from otactl.cloud.filter_tree import FilterTree

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


@given(st.lists(FILTERS, max_size=12), st.lists(FILTERS, max_size=6), TOPICS)
def test_it_finds_what_a_look_at_every_filter_finds(
    added: list[str], removed: list[str], topic: str
) -> None:
    tree = FilterTree()
    for topic_filter in added:
        tree.add(topic_filter)
    for topic_filter in removed:
        tree.discard(topic_filter)

    found = tree.matching(topic)

    kept = set(added) - set(removed)
    assert sorted(found) == sorted(one for one in kept if matches(one, topic))


@given(st.lists(FILTERS, max_size=12))
def test_it_is_empty_again_when_every_filter_is_gone(filters: list[str]) -> None:
    tree = FilterTree()
    for topic_filter in filters:
        tree.add(topic_filter)
    for topic_filter in filters:
        tree.discard(topic_filter)

    assert tree.is_empty


def test_clear_forgets_everything() -> None:
    tree = FilterTree()
    tree.add("a/+")

    tree.clear()

    assert tree.matching("a/b") == []
