"""The things of a group, new ones late."""

from __future__ import annotations

from otactl.cloud.ministack.member_list import MemberList


def test_a_new_name_is_found_at_once_and_listed_late():
    now = [0]
    members = MemberList(100, lambda: now[0])
    members.append("a")
    now[0] = 60
    members.append("b")

    seen = [list(members)]
    for now[0] in (99, 100, 159, 160):
        seen.append(list(members))

    assert "a" in members
    assert seen == [[], [], ["a"], ["a"], ["a", "b"]]


def test_a_name_that_leaves_and_all_that_are_shown():
    members = MemberList(100, lambda: 0)
    for name in ("a", "b", "c"):
        members.append(name)

    members.remove("b")
    members.show_all()

    assert list(members) == ["a", "c"]
    assert "b" not in members


def test_without_delay_everything_is_listed():
    members = MemberList(0, lambda: 0)
    members.append("a")

    assert list(members) == ["a"]
