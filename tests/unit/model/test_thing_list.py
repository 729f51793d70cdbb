"""The thing list: targets in, every bad line told, bounded in time and in what it says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from otactl.errors import ConfigurationInvalid
from otactl.model import limits
from otactl.model.thing_list import MAX_NAMED, parse_thing_list

if TYPE_CHECKING:
    from otactl.errors.problem import Problem

THING = "arn:aws:iot:us-east-1:123456789012:thing/"
GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/"


def problems_of(*lines: str, **arguments: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_thing_list(lines, file_name="list.txt", **arguments)
    return caught.value.problems


def test_things_and_groups_are_told_apart_and_keep_their_order():
    thing_list = parse_thing_list(
        [f"{THING}b\n", f"{GROUP}g\n", f"{THING}a\n"], file_name="list.txt"
    )

    assert thing_list.things == (f"{THING}b", f"{THING}a")
    assert thing_list.groups == (f"{GROUP}g",)
    assert thing_list.line_of(f"{THING}a") == 3
    assert thing_list.line_of(f"{THING}c") is None


def test_comments_blank_lines_blanks_and_marks_do_not_count():
    lines = [f"\ufeff{THING}a  \r\n", "\n", "   \n", "# no\n", " ; no\n", f"\t{THING}b"]

    assert parse_thing_list(lines, file_name="x").things == (f"{THING}a", f"{THING}b")


def test_a_target_named_twice_counts_once_and_is_told():
    thing_list = parse_thing_list([f"{THING}a\n"] * 3, file_name="list.txt")

    assert thing_list.things == (f"{THING}a",)
    assert thing_list.duplicate_count == 2
    assert [(problem.line, problem.severity) for problem in thing_list.warnings] == [
        (2, "warning"),
        (3, "warning"),
    ]


def test_many_duplicates_are_counted_not_listed():
    thing_list = parse_thing_list([f"{THING}a\n"] * 1000, file_name="list.txt")

    assert len(thing_list.warnings) == MAX_NAMED + 1
    assert thing_list.warnings[-1].message == "979 more lines name a target again"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("thing-1", "is a name; an ARN is needed"),
        ("arn:aws:iot:us-east-1:123456789012:job/x", "not the ARN of a thing"),
        ("arn:aws:s3:::bucket", "not the ARN of a thing"),
        ("arn:aws:iot:us-east-1:12345:thing/x", "not the ARN of a thing"),
        ("arn:aws:iot:nowhere:123456789012:thing/x", "not the ARN of a thing"),
        (f"{THING}a b", "not the ARN of a thing"),
        (f"{THING}{'x' * 129}", "not the ARN of a thing"),
        ("https://example.com", "is not an ARN"),
        ("arn:aws:iot:<region>:<account>:thing/x", "is still to be filled in"),
        ("\0\0\0", "NUL"),
        ("größe", "is not an ARN"),
    ],
)
def test_a_line_that_is_no_target_is_told(line: str, words: str):
    (problem,) = problems_of(f"{THING}ok\n", line)

    assert (problem.file, problem.line, problem.code) == ("list.txt", 2, "target")
    assert words in problem.message
    assert str(problem).isprintable()


def test_a_short_account_id_is_told():
    (problem,) = problems_of("arn:aws:iot:us-east-1:12345:thing/x")

    assert problem.hint == "an account id has 12 digits, this one has 5 characters"


def test_a_target_of_another_region_or_account_is_told():
    (region,) = problems_of(f"{THING}a", region="eu-west-1")
    (account,) = problems_of(f"{THING}a", region="us-east-1", account="210987654321")

    assert (region.code, account.code) == ("region", "account")


def test_a_partition_that_does_not_fit_the_region_is_told():
    """A job refuses such a target, and with it all the others."""
    (problem,) = problems_of("arn:aws-cn:iot:us-east-1:123456789012:thing/a")

    assert (problem.code, problem.line) == ("partition", 1)
    assert "says aws-cn, but us-east-1 belongs to aws" in problem.message


def test_targets_of_other_partitions_are_targets():
    lines = [
        "arn:aws-cn:iot:cn-north-1:123456789012:thing/a",
        "arn:aws-us-gov:iot:us-gov-west-1:123456789012:thing/a",
    ]

    assert parse_thing_list(lines, file_name="x").things == tuple(lines)


def test_every_bad_line_is_told_up_to_a_screen_full():
    problems = problems_of(*["bad line"] * 100)

    assert [problem.line for problem in problems[:MAX_NAMED]] == list(range(1, MAX_NAMED + 1))
    assert problems[-1].message == "80 more lines are wrong"


@pytest.mark.parametrize("lines", [[], ["\n", "# nothing\n"]])
def test_an_empty_list_is_told(lines: list[str]):
    assert [problem.code for problem in problems_of(*lines)] == ["empty"]


def test_a_list_without_end_is_cut():
    def endless():
        number = 0
        while True:
            number += 1
            yield f"{THING}{number}\n"

    with pytest.raises(ConfigurationInvalid) as caught:
        parse_thing_list(endless(), file_name="x")

    assert [problem.code for problem in caught.value.problems] == ["too-long"]
    assert caught.value.problems[0].line == limits.MAX_LISTED_TARGETS + 1


@pytest.mark.slow
def test_no_target_is_lost_behind_a_comment_after_a_million_lines():
    lines = [f"{THING}{number}\n" for number in range(limits.MAX_LISTED_TARGETS)]
    with_comments = ["# all of them\n", *lines, "\n", "# the end\n"]
    found = parse_thing_list(with_comments, file_name="x")
    assert len(found.things) == limits.MAX_LISTED_TARGETS

    with pytest.raises(ConfigurationInvalid) as caught:
        parse_thing_list([*with_comments, f"{THING}one-more\n"], file_name="x")
    assert [problem.code for problem in caught.value.problems] == ["too-long"]


def test_a_hundred_thousand_lines_are_read_in_seconds():
    lines = (f"{THING}device-{number:06d}\n" for number in range(100_000))

    begun = time.process_time()
    thing_list = parse_thing_list(lines, file_name="x", region="us-east-1", account="123456789012")

    assert len(thing_list.things) == 100_000
    # It takes a fifth of a second; the bound only has to catch what grows with the square.
    assert time.process_time() - begun < 5
