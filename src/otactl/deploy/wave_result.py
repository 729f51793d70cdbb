"""What the waves of a deployment came to, put together from its journal."""

from __future__ import annotations

from otactl.deploy.journal import Journal
from otactl.model.outcome import WaveResult
from otactl.model.verify import VersionResult, version_result


def wave_results(journal: Journal) -> tuple[WaveResult, ...]:
    """Every planned wave, in order; none in a deployment without waves."""
    gates = {status.wave: status for status in journal.gates}
    rounds = {result.round: result for result in journal.rounds}
    return tuple(
        WaveResult(
            name=wave.name,
            job_id=wave.job_id,
            things=wave.things,
            gate=gates.get(number),
            result=rounds.get(number),
            versions=versions_of(journal, number),
        )
        for number, wave in enumerate(journal.plan.waves, start=1)
    )


def versions_of(journal: Journal, number: int | None = None) -> VersionResult | None:
    """What the things of a wave or a round report, or all of them; None if nothing is verified."""
    plan = journal.plan
    if plan.verify is None:
        return None
    numbers = range(1, len(plan.rounds) + 1) if number is None else (number,)
    things = (one for each in numbers for one in journal.versions(each).values() if one.ended_ms)
    return version_result(plan.verify.expected_version, tuple(things))
