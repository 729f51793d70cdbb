"""What a journal keeps of single things: their versions, who gets no image, and who is compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic import TypeAdapter

from otactl.deploy.journal_file import Database
from otactl.model.comparison import COMPARISON, Comparison
from otactl.model.eligibility import LeftOut
from otactl.model.thing_state import ThingState
from otactl.model.verify import THING_VERSION, ThingVersion

#: Names in one statement: SQLite takes 999 values in any version.
_AT_ONCE = 900
_LEFT_OUT = TypeAdapter(LeftOut)


class ThingEntries:
    """The entries of ``deploy.journal.Journal`` that are about single things."""

    _database: Database

    def _entered(self) -> None:
        """Notify the listener that keeps a copy of these entries."""

    def _set(self, *entries: tuple[str, str]) -> None:
        self._database.write_many("REPLACE INTO deployment VALUES (?, ?)", entries)

    def _find(self, name: str) -> str | None:
        row = self._database.row("SELECT content FROM deployment WHERE name = ?", name)
        return None if row is None else str(row[0])

    def enter_former(self, versions: Mapping[str, str | None]) -> None:
        """Keep what things reported at the plan, by name; None when one reported nothing."""
        self._database.write_many(
            "INSERT OR IGNORE INTO former (thing, version) VALUES (?, ?)", versions.items()
        )

    def enter_left_out(self, things: Iterable[LeftOut]) -> None:
        """Keep which listed things get no image, and why."""
        self._database.write_many(
            "INSERT OR IGNORE INTO left_out (thing, content) VALUES (?, ?)",
            ((one.thing_name, _LEFT_OUT.dump_json(one).decode()) for one in things),
        )

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """Which listed things get no image, and why, by name."""
        if not self._database.has("left_out"):
            return ()
        rows = self._database.rows("SELECT content FROM left_out ORDER BY thing")
        return tuple(_LEFT_OUT.validate_json(row[0]) for row in rows)

    def former(self, names: Iterable[str]) -> dict[str, str | None]:
        """What things reported at the plan, by name; a thing that was not asked is left out."""
        if not self._database.has("former"):
            return {}
        found: dict[str, str | None] = {}
        left = iter(names)
        while part := list(islice(left, _AT_ONCE)):
            marks = ", ".join("?" * len(part))
            statement = f"SELECT thing, version FROM former WHERE thing IN ({marks})"  # noqa: S608
            found |= dict(self._database.rows(statement, *part))
        return found

    def enter_versions(self, number: int, things: Iterable[ThingVersion]) -> None:
        """Keep what is known of things of a wave or a round, in place of what was known before."""
        self._database.write_many(
            "REPLACE INTO version (round, thing, content) VALUES (?, ?, ?)",
            ((number, one.thing_name, THING_VERSION.dump_json(one).decode()) for one in things),
        )

    def versions(self, number: int) -> dict[str, ThingVersion]:
        """What is known of the things of a wave or a round, by name."""
        if not self._database.has("version"):
            return {}
        rows = self._database.rows(
            "SELECT thing, content FROM version WHERE round = ? ORDER BY thing", number
        )
        return {str(name): THING_VERSION.validate_json(content) for name, content in rows}

    def enter_arms(
        self, wave: int, arms: tuple[Iterable[ThingState], Iterable[ThingState]], why_not: str
    ) -> None:
        """Keep the arms of a comparison, the wave's and the control's; drawn once, before the job.

        With them, why they are not compared; empty if they are.
        """
        self._database.write_many(
            "REPLACE INTO arm VALUES (?, ?, ?, ?)",
            (
                (wave, thing.thing_name, is_control, thing.boots)
                for is_control, arm in enumerate(arms)
                for thing in arm
            ),
        )
        self._set((f"arms/{wave}", why_not))
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
        return self._find(f"arms/{wave}")

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
