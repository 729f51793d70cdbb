"""Waves: the parts of a deployment that follow each other, each with its own gate.

``[WAVE_CONFIG]`` describes them; ``rules.waves`` deals things to waves and decides when gates open.
Percentages are kept in hundredths, so that every threshold is exact in whole things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import TypeAdapter

from otactl.model.comparison import CompareRule, WaveComparison
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import TargetSelection
from otactl.model.verify import VersionVerdict, counts_words

#: 100 percent in the unit of all percentages here.
WHOLE = 10_000
REST = "rest"
MAX_NAME_LENGTH = 16
#: Waves of up to this many things name them; larger ones get a thing group (aws-facts A1).
MAX_NAMED_THINGS = 100

_NAME = re.compile(rf"[a-z0-9-]{{1,{MAX_NAME_LENGTH}}}", re.ASCII)


def is_wave_name(text: str) -> bool:
    """Whether it can name a wave: it becomes the end of a job id."""
    return _NAME.fullmatch(text) is not None


def percent_words(hundredths: int) -> str:
    """A percentage as a person writes it: ``97.5%``."""
    return f"{hundredths / 100:g}%"


class Verdict(StrEnum):
    """The verdict of a gate."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WAIT = "wait"
    #: Neither good nor bad can be shown; a person decides.
    INCONCLUSIVE = "inconclusive"


class Question(StrEnum):
    """What a gate that waits for a person asks; an approval answers one of them."""

    APPROVAL = "approval"
    INCONCLUSIVE = "inconclusive"
    #: Things of an earlier wave failed after its gate had passed.
    STRAGGLERS = "stragglers"
    #: A comparison is required, and there were no data for it.
    COMPARISON = "comparison"


class MissingAlarmData(StrEnum):
    """What INSUFFICIENT_DATA of an alarm in ``alarmList`` means to a gate."""

    WAIT = "wait"
    OK = "ok"
    FAIL = "fail"


class Act(StrEnum):
    """What a person can decide about a deployment in waves."""

    APPROVE = "approve"
    REJECT = "reject"
    PAUSE = "pause"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided, who, and when.

    Attributes:
        wave: The wave an approval is for; empty for the other acts.
        answers: Of an approval, what the gate asked when it was given.
        failed: Of an approval that answers STRAGGLERS, how many things of each earlier wave had
            failed then: it covers no more than these.
        identity: The caller's ARN from STS.
        at_ms: Epoch milliseconds by AWS's clock.
    """

    act: Act
    identity: str
    host: str
    at_ms: int
    wave: str = ""
    comment: str = ""
    answers: Question | None = None
    failed: Mapping[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What was decided, and by whom, on one line."""
        of_wave = f" wave {self.wave}" if self.wave else ""
        said = f": {self.comment}" if self.comment else ""
        return f"{self.act}{of_wave}, {self.identity} on {self.host}{said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveSize:
    """How many things a wave has, or which: one field is set, or none for the rest."""

    things: int | None = None
    hundredths: int | None = None
    groups: tuple[str, ...] = ()

    @property
    def is_rest(self) -> bool:
        """Whether it takes everything that is left."""
        return self.things is None and self.hundredths is None and not self.groups

    def __str__(self) -> str:
        if self.hundredths is not None:
            return percent_words(self.hundredths)
        return str(self.things) if self.things is not None else ", ".join(self.groups) or REST


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRule:
    """The conditions a wave must meet before the next one may begin.

    Attributes:
        required_ended: Of the things the wave was given, hundredths of a percent.
        required_succeeded: Of those that ended, hundredths of a percent.
        required_verified: Of those that ended, hundredths of a percent that run the new version;
            None when that is not required.
        soak_ms: How long enough things must have ended and succeeded without a break.
        maximum_ms: From the wave's first IN_PROGRESS, the time in which enough must have ended.
        needs_approval: Whether a person must approve at the end.
        alarms: Names of existing CloudWatch alarms that are watched as well.
    """

    required_ended: int = 8_000
    required_succeeded: int = 9_500
    required_verified: int | None = None
    soak_ms: int = 3_600_000
    maximum_ms: int = 86_400_000
    needs_approval: bool = False
    alarms: tuple[str, ...] = ()
    missing_data: MissingAlarmData = MissingAlarmData.WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """One wave as it is configured.

    Attributes:
        job: The policy of its job; waves differ in ``maximumPerMinute`` alone.
    """

    name: str
    size: WaveSize
    rule: GateRule
    job: JobConfiguration

    def needs_group(self, things: int) -> bool:
        """Whether N things get a thing group; a CONTINUOUS job needs one to gain things later."""
        is_continuous = self.job.target_selection is TargetSelection.CONTINUOUS
        return is_continuous or things > MAX_NAMED_THINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """All of ``[WAVE_CONFIG]``.

    Attributes:
        waves: In order; the last takes the rest.
        seed: Deals things to waves; None for the digest of the image.
        excepted_things: The path of a list of things that are left out; None for none.
        open_days: How long jobs stay open for stragglers after the last verdict.
        fill_per_second: Things added to a wave's group per second.
        compare: How waves are compared with controls; None if they are not.
        rolls_back: Whether a gate that fails is followed by a rollback.
        prefers_recent: Whether things that AWS IoT saw lately are taken first.
    """

    waves: tuple[Wave, ...]
    seed: str | None = None
    excepted_things: str | None = None
    open_days: int = 14
    fill_per_second: int = 50
    compare: CompareRule | None = None
    rolls_back: bool = False
    prefers_recent: bool = False

    @property
    def needs_connectivity(self) -> bool:
        """Whether it must be known which things are connected."""
        return self.prefers_recent or self.compare is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStatus:
    """The last status of a gate, as the journal stores it and all views show it.

    Attributes:
        wave: Its number, from 1.
        at_ms: When that was, epoch milliseconds by AWS's clock.
        question: What a person is asked; None if nothing.
        soak_left_ms: While it soaks, the time that is left.
        until_ms: When it changes if nothing happens: when the soak, or maximumMinutes, ends, epoch
            milliseconds; None if only events or a person can change it.
        ended, succeeded, failed, not_reached: Things of the wave; the rest is open.
        failed_since: How many things of earlier waves have failed, if that holds this one back.
        ending: How a job ended before its time; empty if none did.
        is_rejected: Whether it failed because a person rejected it.
        comparison: With things that were not updated; None when waves are not compared.
        versions: Things of the wave by what they report, if versions are verified.
        unverified: Of those neither verified nor pending, the first ten by name.
    """

    wave: int
    name: str
    verdict: Verdict
    reasons: tuple[str, ...]
    at_ms: int
    things: int
    question: Question | None = None
    soak_left_ms: int | None = None
    until_ms: int | None = None
    ended: int = 0
    succeeded: int = 0
    failed: int = 0
    not_reached: int = 0
    failed_since: Mapping[str, int] = field(default_factory=dict)
    ending: str = ""
    is_rejected: bool = False
    comparison: WaveComparison | None = None
    versions: Mapping[VersionVerdict, int] = field(default_factory=dict)
    unverified: Mapping[str, VersionVerdict] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether it is PASS or FAIL."""
        return self.verdict in (Verdict.PASS, Verdict.FAIL)

    @property
    def decided_ms(self) -> int | None:
        """When it passed or failed; None if it has not yet."""
        return self.at_ms if self.is_final else None

    @property
    def version_words(self) -> str | None:
        """What things report, on one line: ``45 verified, 1 old: pump-7 old``; None if nothing."""
        if not self.versions:
            return None
        named = ", ".join(f"{name} {verdict}" for name, verdict in self.unverified.items())
        return counts_words(self.versions) + (f": {named}" if named else "")

    @property
    def words(self) -> str:
        """The verdict and its reasons on one line."""
        return f"wave {self.name}: {self.verdict}: {'; '.join(self.reasons)}"


GATE_STATUS: TypeAdapter[GateStatus] = TypeAdapter(GateStatus)
DECISION: TypeAdapter[Decision] = TypeAdapter(Decision)


def wave_job_id(job_id: str, wave: str) -> str:
    """The id of a wave's job."""
    return f"{job_id}-{wave}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWave:
    """A wave whose job takes stragglers.

    Attributes:
        group_name: The wave's own thing group; empty for a wave that names its things.
        deployment_id: Of the rollback that has the wave; empty for the deployment itself.
    """

    job_id: str
    group_name: str = ""
    deployment_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJobs:
    """Jobs that stay open for offline things after their deployment has ended.

    Attributes:
        deployment_id: The id in the description of the jobs and groups.
        region: Their region.
        waves: One at least; those of its rollbacks too.
    """

    deployment_id: str
    region: str
    waves: tuple[OpenWave, ...]
