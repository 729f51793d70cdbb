"""Which things of a deployment are rolled back: exactly those that took the image, or may have.

In: a thing that reports the new version, one whose execution SUCCEEDED, and one that was past its
installation and has reported nothing since. Out: one that freshly reports its former version, that
never began, or that failed before it installed. A report counts as fresh when it is younger than
SUCCEEDED; without that, when it is of a later second than the start of the execution, since shadows
keep whole seconds and a device reports its version when it boots.

They are taken back in waves, at most 50 things first, then the rest. Things that nothing shows to
be connected do not hold it up: they are in the last wave, whose gate asks for no more things than
may come, and its job stays open for them. More than 5 % of a wave that fail stop the rollback.
Alarms, abort criteria and the schedule of the deployment are not its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from otactl.model.job_configuration import JobConfiguration
from otactl.model.outcome import ThingOutcome
from otactl.model.rollback import FIRST_THINGS, FIRST_WAVE, OTHERS_WAVE, REQUIRED_SUCCEEDED
from otactl.model.status import ExecutionStatus, TargetSelection
from otactl.model.thing_state import ThingState
from otactl.model.wave import WHOLE, GateRule, Wave, WaveSize

_MS_PER_SECOND = 1000
#: Steps after which other bytes may run: of otactl's devices, and of those with a self-test.
_INSTALLED_STEPS = ("rebooting", "testing")


#: For a file without [TIMEOUT_CONFIG]: a thing that dies in its rollback must end, too.
_TIMEOUT_MINUTES = 60


class RollbackReason(StrEnum):
    """Why a thing is rolled back, or is not; the first that fits, in this order."""

    NEVER_BEGAN = "it never began"
    #: The new image is what it ran before, so there is nothing to go back to.
    HAD_IT = "it ran this version before"
    REPORTS_NEW = "it reports the new version"
    REPORTS_FORMER = "it reports its former version again"
    #: Somebody else has updated it since.
    REPORTS_OTHER = "it reports a version of neither"
    SUCCEEDED = "it succeeded"
    SILENT = "it was past its installation and has reported nothing since"
    #: It may still take the image; the next call looks at it again.
    IN_PROGRESS = "it is in the middle of the update"
    NOT_INSTALLED = "it ended before it installed"

    @property
    def is_in(self) -> bool:
        """Whether it is rolled back."""
        return self in (
            RollbackReason.REPORTS_NEW,
            RollbackReason.SUCCEEDED,
            RollbackReason.SILENT,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingHistory:
    """What is known of one thing.

    Attributes:
        executions: Its executions of the deployment, every attempt.
        former: The version that it reported at the plan; None when it reported none.
        state: What it reports now; None when it was not read.
    """

    thing_name: str
    executions: Sequence[ThingOutcome] = ()
    former: str | None = None
    state: ThingState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackSet:
    """Who is rolled back.

    Attributes:
        to_version: The things of each former version, by name.
        no_former: Things that would be rolled back, and reported no version at the plan.
        reasons: Why each thing is in or out.
        offline: Things that nothing shows to be connected: they are not waited for.
        last_end_ms: When the last of those ended that ended without a report so far, epoch
            milliseconds: a device reports some seconds after its success. None without such.
    """

    to_version: Mapping[str, tuple[str, ...]]
    no_former: tuple[str, ...]
    reasons: Mapping[str, RollbackReason]
    offline: frozenset[str] = frozenset()
    last_end_ms: int | None = None

    def with_reason(self, reason: RollbackReason) -> list[str]:
        """The things that are in or out for one reason, by name."""
        return sorted(name for name, found in self.reasons.items() if found is reason)


def rollback_set(histories: Iterable[ThingHistory], new_version: str | None) -> RollbackSet:
    """Decide on every thing of a deployment that was stopped."""
    versions: dict[str, list[str]] = {}
    no_former, reasons, offline, ends = [], {}, set(), list[int]()
    for one in histories:
        reason = reasons[one.thing_name] = reason_of(one, new_version)
        if reason.is_in and one.former is None:
            no_former.append(one.thing_name)
        elif reason.is_in and one.former is not None:
            versions.setdefault(one.former, []).append(one.thing_name)
        if reason in (RollbackReason.SUCCEEDED, RollbackReason.SILENT) and one.state is not None:
            ends += [each.updated_at_ms or 0 for each in one.executions]
        if not _may_come(one, reason):
            offline.add(one.thing_name)
    return RollbackSet(
        to_version={version: tuple(sorted(versions[version])) for version in sorted(versions)},
        no_former=tuple(sorted(no_former)),
        reasons=reasons,
        offline=frozenset(offline),
        last_end_ms=max(ends, default=None),
    )


def reason_of(history: ThingHistory, new_version: str | None) -> RollbackReason:
    """Why a thing is rolled back, or is not."""
    begun = [one for one in history.executions if one.started_at_ms is not None]
    if not begun:
        return RollbackReason.NEVER_BEGAN
    if new_version is not None and history.former == new_version:
        return RollbackReason.HAD_IT
    return _by_report(history, begun, new_version) or _by_execution(begun)


def _by_report(
    history: ThingHistory, begun: Sequence[ThingOutcome], new_version: str | None
) -> RollbackReason | None:
    """What follows from what it reports; None when that says nothing."""
    version = None if history.state is None else history.state.version
    if version is None:
        return None
    if version == new_version:
        return RollbackReason.REPORTS_NEW
    if not _is_fresh(history.state, begun):
        return None
    if version == history.former:
        return RollbackReason.REPORTS_FORMER
    return RollbackReason.REPORTS_NEW if new_version is None else RollbackReason.REPORTS_OTHER


def _by_execution(begun: Sequence[ThingOutcome]) -> RollbackReason:
    statuses = {one.status for one in begun}
    if ExecutionStatus.SUCCEEDED in statuses:
        return RollbackReason.SUCCEEDED
    if any(map(is_past_install, begun)):
        return RollbackReason.SILENT
    if ExecutionStatus.IN_PROGRESS in statuses:
        return RollbackReason.IN_PROGRESS
    return RollbackReason.NOT_INSTALLED


def is_past_install(execution: ThingOutcome) -> bool:
    """Whether a device said so much that other bytes may run than before."""
    step = execution.progress.step
    if step in _INSTALLED_STEPS or "self_test" in execution.status_details:
        return True
    # One that FAILED while it installed lives and says so; of the others nobody knows.
    return step == "installing" and execution.status is not ExecutionStatus.FAILED


def _may_come(history: ThingHistory, reason: RollbackReason) -> bool:
    """Whether a thing is waited for; where its connection is not known, when it lived to report."""
    state = history.state
    if state is None:
        return True
    if state.is_connected is None:
        return reason is RollbackReason.REPORTS_NEW
    return state.is_connected


def _is_fresh(state: ThingState | None, begun: Sequence[ThingOutcome]) -> bool:
    at_ms = None if state is None else state.version_at_ms
    if at_ms is None:
        return False
    succeeded = [one for one in begun if one.status is ExecutionStatus.SUCCEEDED]
    if succeeded:
        return at_ms >= max(one.updated_at_ms or 0 for one in succeeded)
    started_ms = max(one.started_at_ms or 0 for one in begun)
    return at_ms // _MS_PER_SECOND > started_ms // _MS_PER_SECOND


@dataclass(frozen=True, slots=True)
class RollbackWave:
    """A wave of a rollback, how many things it has, and how many of them are connected."""

    wave: Wave
    things: int
    connected: int


def rollback_job(job: JobConfiguration) -> JobConfiguration:
    """The policy of a rollback's jobs, by that of the deployment that is taken back."""
    return replace(
        job,
        target_selection=TargetSelection.SNAPSHOT,
        abort_criteria=(),
        scheduling=None,
        in_progress_timeout_minutes=job.in_progress_timeout_minutes or _TIMEOUT_MINUTES,
    )


def rollback_waves(connected: int, offline: int, job: JobConfiguration) -> tuple[RollbackWave, ...]:
    """The waves that take things back to one former version.

    Args:
        connected: Things that are connected; the first of them are the first wave. Where there is
            none, the first to come are.
        offline: Things that nothing shows to be connected.
        job: The deployment's policy.
    """
    first = min(FIRST_THINGS, connected or offline)
    parts = [(FIRST_WAVE, first, min(first, connected))]
    rest = connected + offline - first
    if rest:
        parts.append((OTHERS_WAVE, rest, max(0, connected - first)))
    last = parts[-1][0]
    return tuple(
        RollbackWave(
            _wave(name, things, awaited if name == last else None, rollback_job(job)),
            things,
            awaited,
        )
        for name, things, awaited in parts
    )


def _wave(name: str, things: int, awaited: int | None, job: JobConfiguration) -> Wave:
    required = REQUIRED_SUCCEEDED if awaited is None else awaited * WHOLE // things
    return Wave(
        name=name,
        size=WaveSize() if name == OTHERS_WAVE else WaveSize(things=things),
        rule=GateRule(required_ended=required, required_succeeded=REQUIRED_SUCCEEDED, soak_ms=0),
        job=job,
    )
