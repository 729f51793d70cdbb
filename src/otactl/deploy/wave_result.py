"""What the waves of a deployment came to, put together from its journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.model.outcome import WaveResult

if TYPE_CHECKING:
    from otactl.deploy.journal import Journal


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
        )
        for number, wave in enumerate(journal.plan.waves, start=1)
    )
