"""What a journal keeps of comparisons: the arms of each wave, and what was found."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.deploy.journal_file import Database
from otactl.model.comparison import COMPARISON, Comparison
from otactl.model.thing_state import ThingState


class ComparisonEntries:
    """The entries of ``deploy.journal.Journal`` that are about comparisons."""

    _database: Database

    def _entered(self) -> None:
        """Notify the listener that keeps a copy of these entries."""

    def enter_arms(
        self, wave: int, arms: tuple[Iterable[ThingState], Iterable[ThingState]], why_not: str
    ) -> None:
        """Keep the arms of a comparison, the wave's and the control's; drawn once, before the job.

        Args:
            wave: Its number.
            arms: Things as they were then.
            why_not: Why they are not compared; empty if they are.
        """
        self._database.write_many(
            "REPLACE INTO arm VALUES (?, ?, ?, ?)",
            (
                (wave, thing.thing_name, is_control, thing.boots)
                for is_control, arm in enumerate(arms)
                for thing in arm
            ),
        )
        self._database.write("REPLACE INTO deployment VALUES (?, ?)", *(f"arms/{wave}", why_not))
        self._entered()

    def arms(self, wave: int) -> tuple[tuple[ThingState, ...], tuple[ThingState, ...]]:
        """The wave's arm and the control as they were drawn."""
        rows = self._database.rows(
            "SELECT thing, is_control, boots FROM arm WHERE wave = ? ORDER BY thing", wave
        )
        wave_arm, control = (
            tuple(
                ThingState(thing_name=name, boots=boots, is_connected=True)
                for name, is_control, boots in rows
                if is_control == which
            )
            for which in (0, 1)
        )
        return wave_arm, control

    def why_no_arms(self, wave: int) -> str | None:
        """Why a wave is not compared; empty if it is, None as long as nothing was drawn."""
        row = self._database.row("SELECT content FROM deployment WHERE name = ?", f"arms/{wave}")
        return None if row is None else str(row[0])

    def enter_comparison(self, made: Comparison) -> None:
        """Keep a comparison; it stands here before it is acted on."""
        self._database.write(
            "REPLACE INTO comparison VALUES (?, ?, ?)",
            *(made.wave, made.point, COMPARISON.dump_json(made).decode()),
        )
        self._entered()

    def comparisons(self, wave: int) -> tuple[Comparison, ...]:
        """The comparisons of a wave, in order of time."""
        rows = self._database.rows("SELECT content FROM comparison WHERE wave = ?", wave)
        found = (COMPARISON.validate_json(row[0]) for row in rows)
        return tuple(sorted(found, key=lambda one: one.at_ms))
