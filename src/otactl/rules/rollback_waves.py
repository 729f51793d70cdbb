"""The waves of a rollback: at most 50 things first, then the rest.

Things that nothing shows to be connected do not hold it up: they are in the last wave, whose gate
asks for no more things than may come, and its job stays open for them. More than 5 % of a wave that
fail stop the rollback. Alarms, abort criteria and the schedule of the deployment are not its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from otactl.model.job_configuration import JobConfiguration
from otactl.model.rollback import FIRST_THINGS, FIRST_WAVE, OTHERS_WAVE, REQUIRED_SUCCEEDED
from otactl.model.status import TargetSelection
from otactl.model.wave import WHOLE, GateRule, Wave, WaveSize

#: For a file without [TIMEOUT_CONFIG]: a thing that dies in its rollback must end, too.
_TIMEOUT_MINUTES = 60


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
