"""What is asked of AWS, and what otactl and its local cloud assume the answer is.

Each point is one that AWS's documentation leaves open, or on which its pages contradict each other.
Not asked, because it would cost more than a check may: the rate limit of GetStream, a stream on an
object of more than 24 MB, the events of each attempt.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otactl.model.observation import Observation


class Point(StrEnum):
    """What is asked, by a short name that stays the same."""

    BOTH_CRITERIA = "both-criteria"
    BASE_IS_MAXIMUM = "base-is-maximum"
    TWO_DECIMALS = "two-decimals"
    ABORT_REASON = "abort-reason"
    ABORT_COUNTS_RETRIED = "abort-counts-retried"
    TERMINAL_UPDATE = "terminal-update"
    RETRY_NUMBERS = "retry-numbers"
    RETRY_DELAY = "retry-delay"
    BLOCKS_PAST_END = "blocks-past-end"
    LARGEST_JSON_BLOCK = "largest-json-block"
    LIBRARY_BITMAP = "library-bitmap"
    MISSING_OBJECT = "missing-object"
    DETAIL_129 = "detail-of-129"
    DETAIL_1025 = "detail-of-1025"
    ELEVEN_DETAILS = "eleven-details"
    HOSTED_URL = "hosted-url"
    DOCUMENT_READ = "document-read"
    JOBS_ENDPOINT = "jobs-endpoint"


@dataclass(frozen=True, slots=True)
class _Question:
    number: int
    text: str
    assumed: str


_QUESTIONS = {
    Point.BOTH_CRITERIA: _Question(1, "CreateJob with both rate increase criteria", "refused, 400"),
    Point.BASE_IS_MAXIMUM: _Question(
        1, "CreateJob with baseRatePerMinute = maximumPerMinute", "refused, 400"
    ),
    Point.TWO_DECIMALS: _Question(1, "CreateJob with incrementFactor 1.55", "accepted"),
    Point.ABORT_REASON: _Question(2, "reasonCode of a job that aborted", "begins with ABORT"),
    Point.ABORT_COUNTS_RETRIED: _Question(
        2, "a failure that will be retried, and an abort criterion", "it counts at once"
    ),
    Point.TERMINAL_UPDATE: _Question(
        3,
        "update of an ended execution over MQTT",
        "InvalidStateTransition or TerminalStateReached",
    ),
    Point.RETRY_NUMBERS: _Question(
        4, "numbers of a retry's execution", "executionNumber 2, versionNumber 1"
    ),
    Point.RETRY_DELAY: _Question(4, "from a failure to its retry", "less than 10 s"),
    Point.BLOCKS_PAST_END: _Question(
        5, "GetStream for 5 blocks before the end and 5 beyond it", "the 5 that are there"
    ),
    Point.LARGEST_JSON_BLOCK: _Question(5, "GetStream for a JSON block of 128 KiB", "no block"),
    Point.LIBRARY_BITMAP: _Question(
        5, 'GetStream in CBOR with the bitmap "MQ==" of AWS\'s library', "1 block"
    ),
    Point.MISSING_OBJECT: _Question(
        6, "CreateStream on an object that is not there", "refused, 404"
    ),
    Point.DETAIL_129: _Question(7, "statusDetails with a value of 129 characters", "accepted"),
    Point.DETAIL_1025: _Question(
        7, "statusDetails with a value of 1025 characters", "InvalidRequest"
    ),
    Point.ELEVEN_DETAILS: _Question(7, "statusDetails with 11 pairs", "InvalidRequest"),
    Point.HOSTED_URL: _Question(8, "documentSource with the bucket in the host name", "accepted"),
    Point.DOCUMENT_READ: _Question(
        8, "when the object of documentSource is read", "when the job is created"
    ),
    Point.JOBS_ENDPOINT: _Question(9, "DescribeEndpoint iot:Jobs", "refused, 400"),
}


def observation(point: Point, observed: str, agrees: bool | None) -> Observation:  # noqa: FBT001  # what was seen
    """What was observed of a point."""
    question = _QUESTIONS[point]
    return Observation(
        point=f"N{question.number} {point}",
        question=question.text,
        assumed=question.assumed,
        observed=observed,
        agrees=agrees,
    )


def not_observed(point: Point, why: str) -> Observation:
    """A point about which nothing can be said."""
    return observation(point, f"not observed: {why}", None)
