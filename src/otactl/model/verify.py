"""``[VERIFY_CONFIG]``: success is the version that a thing reports after its reboot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import TypeAdapter

from otactl.model.thing_state import ThingState, VersionSource


class VersionVerdict(StrEnum):
    """The verdict on the version of one thing; the first that applies, in this order."""

    UNKNOWN = "unknown"
    PENDING = "pending"
    VERIFIED = "verified"
    #: The execution failed, but the new version runs.
    FAILED_BUT_NEW = "failed but new"
    #: It reports another version after SUCCEEDED, such as its former one.
    OLD = "old"
    #: Nothing reported since, and not connected: perhaps a brick.
    SILENT = "silent"
    #: It reported the new version, and was disconnected at two polls after that.
    DARK = "dark"
    #: It booted more often than an update takes.
    FLAPPING = "flapping"
    #: Nothing reported, and it is connected, or that is unknown.
    NO_WORD = "no word"


#: The verdicts other than *verified* on a thing whose execution SUCCEEDED.
BAD_VERDICTS = frozenset(
    {
        VersionVerdict.OLD,
        VersionVerdict.SILENT,
        VersionVerdict.DARK,
        VersionVerdict.FLAPPING,
        VersionVerdict.NO_WORD,
    }
)
#: Things that a result names.
_NAMED = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRule:
    """How a version is verified.

    Attributes:
        expected_version: What a thing must report.
        verify_ms: From SUCCEEDED, the time that a thing has to report.
        dark_ms: Between the two polls that make a thing *dark*.
        keep_alive_seconds: After 1.5 times this, AWS notices that a thing has disconnected.
        maximum_boots: More boots than this since the job began are *flapping*.
    """

    source: VersionSource
    expected_version: str
    verify_ms: int
    dark_ms: int = 600_000
    keep_alive_seconds: int = 1_200
    maximum_boots: int = 2


@dataclass(frozen=True, slots=True)
class VersionPoll:
    """A thing's state at one poll, and when: epoch milliseconds by AWS's clock."""

    at_ms: int
    state: ThingState


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingVersion:
    """What is known of the version of one thing.

    Attributes:
        former: What it reported just before its wave began; None if it reported nothing.
        boots_before: Its boots then; else those that it reported first.
        ended_ms: When its execution ended, epoch milliseconds; 0 before that.
        succeeded: Whether it ended with SUCCEEDED.
        last: The last poll of it; None before the first.
        first_gone: The poll since which it has been disconnected with the new version.
        is_confirmed: Whether the last poll read the source, not the fleet index.
        verdict: Follows from these; None before the first.
    """

    thing_name: str
    former: str | None = None
    boots_before: int | None = None
    ended_ms: int = 0
    succeeded: bool = True
    last: VersionPoll | None = None
    first_gone: VersionPoll | None = None
    is_confirmed: bool = False
    verdict: VersionVerdict | None = None

    @property
    def reported(self) -> str | None:
        """What it reported last."""
        return None if self.last is None else self.last.state.version


THING_VERSION: TypeAdapter[ThingVersion] = TypeAdapter(ThingVersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionResult:
    """The result of verification.

    Attributes:
        expected: The version that things should report.
        counts: Things by their verdict.
        unverified: Things with another verdict than *verified*, by verdict and name, the first 250.
    """

    expected: str
    counts: Mapping[VersionVerdict, int] = field(default_factory=dict)
    unverified: tuple[ThingVersion, ...] = ()

    @property
    def bad(self) -> int:
        """Things that do not run the new version though they SUCCEEDED."""
        return sum(count for verdict, count in self.counts.items() if verdict in BAD_VERDICTS)

    @property
    def words(self) -> str:
        """The counts on one line."""
        return counts_words(self.counts)


def version_result(expected: str, things: tuple[ThingVersion, ...]) -> VersionResult:
    """Sum up things that were judged."""
    counts: dict[VersionVerdict, int] = {}
    for thing in things:
        if thing.verdict is not None:
            counts[thing.verdict] = counts.get(thing.verdict, 0) + 1
    order = list(VersionVerdict)
    others = sorted(
        (one for one in things if one.verdict not in (None, VersionVerdict.VERIFIED)),
        key=lambda one: (order.index(one.verdict or VersionVerdict.UNKNOWN), one.thing_name),
    )
    return VersionResult(
        expected=expected,
        counts={verdict: counts[verdict] for verdict in order if verdict in counts},
        unverified=tuple(others[:_NAMED]),
    )


def counts_words(counts: Mapping[VersionVerdict, int]) -> str:
    """Counts on one line: ``97 verified, 3 old``."""
    return ", ".join(f"{count:,} {verdict.value}" for verdict, count in counts.items())
