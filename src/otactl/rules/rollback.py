"""Which things of a deployment are rolled back: those that installed the image, or may have.

In: a thing that reports the new version, one whose execution SUCCEEDED, and one that was past its
installation and has reported nothing since. Out: one that freshly reports its former version, that
never began, or that failed before it installed. A report is fresh if it is later than SUCCEEDED;
without SUCCEEDED, if its second is later than that of the execution's start, since shadows store
whole seconds and a device reports its version when it boots.

A rollback runs in waves: at most 50 things first, then the rest. Things not known to be connected
do not delay it: they are in the last wave, whose gate requires only the others, and its job stays
open for them. If more than 5 % of a wave fail, the rollback stops. The alarms, abort criteria and
schedule of the deployment do not apply to it.
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
#: Steps from which the new image may run: of otactl's devices, and of devices with a self-test.
_INSTALLED_STEPS = ("rebooting", "testing")


#: Used without [TIMEOUT_CONFIG]: the execution of a thing that dies in its rollback must end too.
_TIMEOUT_MINUTES = 60


class RollbackReason(StrEnum):
    """Why a thing is rolled back, or is not; the first that applies, in this order."""

    NEVER_BEGAN = "it never began"
    #: It ran the new image before, so there is no other version to go back to.
    HAD_IT = "it ran this version before"
    REPORTS_NEW = "it reports the new version"
    REPORTS_FORMER = "it reports its former version again"
    #: Another update has reached it since.
    REPORTS_OTHER = "it reports a version of neither"
    SUCCEEDED = "it succeeded"
    SILENT = "it was past its installation and has reported nothing since"
    #: It may still install the image; the next call checks it again.
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
    """The executions and reports of one thing.

    Attributes:
        executions: Its executions of the deployment, every attempt.
        former: The version it reported when the plan was made; None if it reported no version.
        state: What it reports now; None if it was not read.
    """

    thing_name: str
    executions: Sequence[ThingOutcome] = ()
    former: str | None = None
    state: ThingState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackSet:
    """The things that are rolled back.

    Attributes:
        to_version: The names of the things of each former version, sorted.
        no_former: Things to roll back that reported no version when the plan was made.
        reasons: Why each thing is in or out.
        offline: Things not known to be connected: the rollback does not wait for them.
        last_end_ms: The latest end of a thing that has not reported since, epoch milliseconds: a
            device reports some seconds after its success. None without such a thing.
    """

    to_version: Mapping[str, tuple[str, ...]]
    no_former: tuple[str, ...]
    reasons: Mapping[str, RollbackReason]
    offline: frozenset[str] = frozenset()
    last_end_ms: int | None = None

    def with_reason(self, reason: RollbackReason) -> list[str]:
        """The names of the things with this reason, sorted."""
        return sorted(name for name, found in self.reasons.items() if found is reason)


def rollback_set(histories: Iterable[ThingHistory], new_version: str | None) -> RollbackSet:
    """Decide for each thing of a stopped deployment."""
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
    """The reason by what it reports; None if the report proves nothing."""
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
    """Whether a device reported enough progress that it may run the new image."""
    step = execution.progress.step
    if step in _INSTALLED_STEPS or "self_test" in execution.status_details:
        return True
    # One that FAILED while it installed still reports; the state of the others is unknown.
    return step == "installing" and execution.status is not ExecutionStatus.FAILED


def _may_come(history: ThingHistory, reason: RollbackReason) -> bool:
    """Whether to wait for a thing; if its connection is unknown, only if it reports the update."""
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
    """A wave of a rollback, its number of things, and how many of them are connected."""

    wave: Wave
    things: int
    connected: int


def rollback_job(job: JobConfiguration) -> JobConfiguration:
    """The policy of a rollback's jobs, derived from the deployment's."""
    return replace(
        job,
        target_selection=TargetSelection.SNAPSHOT,
        abort_criteria=(),
        scheduling=None,
        in_progress_timeout_minutes=job.in_progress_timeout_minutes or _TIMEOUT_MINUTES,
    )


def rollback_waves(connected: int, offline: int, job: JobConfiguration) -> tuple[RollbackWave, ...]:
    """The waves that roll things back to one former version.

    Args:
        connected: Number of connected things. The first wave takes only these; if there are none,
            it takes offline ones.
        offline: Number of things not known to be connected.
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
