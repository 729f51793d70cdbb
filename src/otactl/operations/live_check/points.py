"""The points that are checked in AWS, and what otactl and its local cloud assume about each.

Each point is one that AWS's documentation leaves open, or on which its pages contradict each other.
Not checked, because it would cost too much: the rate limit of GetStream, a stream on an object of
more than 24 MB, the events of each attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from otactl.model.diagnosis import Observation


@dataclass(frozen=True, slots=True)
class _Asked:
    name: str
    number: int
    question: str
    assumed: str


class Point(StrEnum):
    """A point that is checked, by a short name that never changes."""

    asked: _Asked

    def __new__(cls, asked: _Asked) -> Self:
        """Make a member whose value is its name."""
        point = str.__new__(cls, asked.name)
        point._value_, point.asked = asked.name, asked
        return point

    BOTH_CRITERIA = _Asked(
        "both-criteria", 1, "CreateJob with both rate increase criteria", "refused, 400"
    )
    BASE_IS_MAXIMUM = _Asked(
        "base-is-maximum", 1, "CreateJob with baseRatePerMinute = maximumPerMinute", "refused, 400"
    )
    TWO_DECIMALS = _Asked("two-decimals", 1, "CreateJob with incrementFactor 1.55", "accepted")
    ABORT_REASON = _Asked(
        "abort-reason", 2, "reasonCode of a job that aborted", "begins with ABORT"
    )
    ABORT_COUNTS_RETRIED = _Asked(
        "abort-counts-retried",
        2,
        "a failure that will be retried, and an abort criterion",
        "it counts at once",
    )
    TERMINAL_UPDATE = _Asked(
        "terminal-update",
        3,
        "update of an ended execution over MQTT",
        "InvalidStateTransition or TerminalStateReached",
    )
    RETRY_NUMBERS = _Asked(
        "retry-numbers", 4, "numbers of a retry's execution", "executionNumber 2, versionNumber 1"
    )
    RETRY_DELAY = _Asked("retry-delay", 4, "from a failure to its retry", "less than 10 s")
    BLOCKS_PAST_END = _Asked(
        "blocks-past-end",
        5,
        "GetStream for 5 blocks before the end and 5 beyond it",
        "the 5 that exist",
    )
    LARGEST_JSON_BLOCK = _Asked(
        "largest-json-block", 5, "GetStream for a JSON block of 128 KiB", "no block"
    )
    LIBRARY_BITMAP = _Asked(
        "library-bitmap", 5, 'GetStream in CBOR with the bitmap "MQ==" of AWS\'s library', "1 block"
    )
    MISSING_OBJECT = _Asked(
        "missing-object", 6, "CreateStream on an object that is not there", "refused, 404"
    )
    DETAIL_129 = _Asked(
        "detail-of-129", 7, "statusDetails with a value of 129 characters", "accepted"
    )
    DETAIL_1025 = _Asked(
        "detail-of-1025", 7, "statusDetails with a value of 1025 characters", "InvalidRequest"
    )
    ELEVEN_DETAILS = _Asked("eleven-details", 7, "statusDetails with 11 pairs", "InvalidRequest")
    HOSTED_URL = _Asked(
        "hosted-url", 8, "documentSource with the bucket in the host name", "accepted"
    )
    DOCUMENT_READ = _Asked(
        "document-read", 8, "when the object of documentSource is read", "when the job is created"
    )
    JOBS_ENDPOINT = _Asked("jobs-endpoint", 9, "DescribeEndpoint iot:Jobs", "refused, 400")


def observation(point: Point, observed: str, agrees: bool | None) -> Observation:  # noqa: FBT001  # what was seen
    """What was observed about a point."""
    asked = point.asked
    return Observation(
        point=f"N{asked.number} {point}",
        question=asked.question,
        assumed=asked.assumed,
        observed=observed,
        agrees=agrees,
    )


def not_observed(point: Point, why: str) -> Observation:
    """A point that could not be observed."""
    return observation(point, f"not observed: {why}", None)
