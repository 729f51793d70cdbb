"""What a journal keeps of things and of waves.

Of things: which are targets, their versions, which get no image, and which are compared. Of waves:
which things are in which, how far groups are filled, the verdicts of gates; also the instants that
a verdict is computed from, each written once, by the first process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from pydantic import TypeAdapter

from otactl.deploy.journal_file import Database
from otactl.model.comparison import COMPARISON, Comparison
from otactl.model.eligibility import LeftOut
from otactl.model.thing_state import ThingState
from otactl.model.verify import THING_VERSION, ThingVersion
from otactl.model.wave import GATE_STATUS, GateStatus

#: Names in one statement: SQLite takes 999 values in any version.
_AT_ONCE = 900
_LEFT_OUT = TypeAdapter(LeftOut)


class JournalEntries:
    """The entries of ``deploy.journal.Journal`` that are about single things and waves."""

    _database: Database

    def _entered(self) -> None:
        """Notify the listener, which keeps a copy of these entries."""

    def _set(self, *entries: tuple[str, str]) -> None:
        self._database.write_many("REPLACE INTO deployment VALUES (?, ?)", entries)

    def _find(self, name: str) -> str | None:
        row = self._database.row("SELECT content FROM deployment WHERE name = ?", name)
        return None if row is None else str(row[0])

    def enter_targets(self, arns: Iterable[str]) -> None:
        """Keep the thing list: a resumed deployment must not depend on a file that may change."""
        self._database.write_many("REPLACE INTO target VALUES (?, ?)", enumerate(arns, start=1))

    def targets(self) -> Iterator[str]:
        """The ARNs of the thing list, in order."""
        for row in self._database.rows("SELECT arn FROM target ORDER BY ordinal"):
            yield str(row[0])

    def enter_members(self, round_number: int, things: Iterable[str]) -> None:
        """Keep the things that the groups of the list have just before a round's job is made.

        They replace those of a process that was killed before it made the job.
        """
        rows = ((round_number, name) for name in things)
        with self._database.at_once():
            self._database.write("DELETE FROM member WHERE round = ?", round_number)
            self._database.write_many("INSERT OR IGNORE INTO member VALUES (?, ?)", rows)

    def has_members(self, round_number: int) -> bool:
        """Whether such things are kept for a round."""
        found = self._database.row("SELECT 1 FROM member WHERE round = ?", round_number)
        return found is not None

    def not_reached(self, round_number: int) -> Iterator[str]:
        """The names of the things of a round or a wave that have no execution, sorted.

        A round has the things of the list, and those of its groups when the job was created.
        """
        for row in self._database.rows(
            "WITH waves AS (SELECT count(*) AS number FROM wave_thing), named AS ("
            " SELECT thing FROM wave_thing WHERE wave = ?1 UNION"
            " SELECT substr(arn, instr(arn, ':thing/') + 7) AS thing FROM target, waves"
            " WHERE waves.number = 0"
            " UNION SELECT thing FROM member WHERE round = ?1)"
            " SELECT thing FROM named WHERE NOT EXISTS ("
            " SELECT 1 FROM execution WHERE round = ?1 AND execution.thing = named.thing)"
            " ORDER BY thing",
            round_number,
        ):
            yield str(row[0])

    def enter_former(self, versions: Mapping[str, str | None]) -> None:
        """Keep the version that things reported at the plan, by name; None for no version."""
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
        """The versions that things reported at the plan, by name; without things not read then."""
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

        ``why_not`` says why they are not compared; empty if they are.
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
        """Why a wave is not compared; empty if it is, None before arms were drawn."""
        return self._find(f"arms/{wave}")

    def enter_comparison(self, made: Comparison) -> None:
        """Keep a comparison; it is recorded before a gate uses it."""
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

    def enter_waves(self, waves: Iterable[Iterable[str]]) -> None:
        """Keep which things are in which wave, numbered from 1: it is decided once."""
        self._database.write_many(
            "INSERT OR IGNORE INTO wave_thing (wave, thing) VALUES (?, ?)",
            ((number, name) for number, names in enumerate(waves, start=1) for name in names),
        )

    def wave_things(self, wave: int, *, after: str = "", limit: int = -1) -> list[str]:
        """The names of a wave's things, sorted: at most N, those after a name."""
        rows = self._database.rows(
            "SELECT thing FROM wave_thing WHERE wave = ? AND thing > ? ORDER BY thing LIMIT ?",
            *(wave, after, limit),
        )
        return [str(row[0]) for row in rows]

    def count_wave_things(self, wave: int, *, after: str = "") -> int:
        """How many things of a wave come after a name."""
        row = self._database.row(
            "SELECT count(*) FROM wave_thing WHERE wave = ? AND thing > ?", *(wave, after)
        )
        return int(row[0])

    def filled_until(self, wave: int) -> str:
        """The last thing that was added to a wave's group; empty if none was."""
        return self._find(f"filled/{wave}") or ""

    def enter_filled(self, wave: int, last: str, refusals: Mapping[str, str]) -> None:
        """Record how far a wave's group is filled, and which things AWS refused."""
        self._database.write_many(
            "UPDATE wave_thing SET refusal = ? WHERE wave = ? AND thing = ?",
            ((why, wave, name) for name, why in refusals.items()),
        )
        self._set((f"filled/{wave}", last))
        self._entered()

    def fill_refusals(self, wave: int) -> dict[str, str]:
        """Why things could not be added to a wave's group, by name."""
        rows = self._database.rows(
            "SELECT thing, refusal FROM wave_thing WHERE wave = ? AND refusal IS NOT NULL", wave
        )
        return {str(name): str(why) for name, why in rows}

    def enter_excepted(self, names: Iterable[str]) -> None:
        """Keep things that are in no wave: the last wave may be compared with them."""
        self._database.write_many(
            "INSERT OR IGNORE INTO wave_thing (wave, thing) VALUES (0, ?)",
            ((name,) for name in names),
        )

    def enter_gate(self, status: GateStatus) -> None:
        """Record the status of a gate; a verdict is recorded before it is acted on."""
        self._database.write(
            "REPLACE INTO gate VALUES (?, ?)",
            *(status.wave, GATE_STATUS.dump_json(status).decode()),
        )
        self._entered()

    @property
    def gates(self) -> tuple[GateStatus, ...]:
        """The last status of each gate, in order of the waves; none in a journal without waves."""
        if not self._database.has("gate"):
            return ()
        rows = self._database.rows("SELECT status FROM gate ORDER BY wave")
        return tuple(GATE_STATUS.validate_json(row[0]) for row in rows)

    def enter_rollbacks(self, deployment_ids: Iterable[str]) -> None:
        """Record which deployments roll this one back."""
        self._set(("rollbacks", " ".join(sorted(deployment_ids))))

    @property
    def rollbacks(self) -> tuple[str, ...]:
        """The ids of the deployments that roll this one back, the oldest first."""
        return tuple((self._find("rollbacks") or "").split())

    @property
    def has_rollback(self) -> bool:
        """Whether the rollbacks of this one were decided, even if there are none."""
        return self._find("rollbacks") is not None

    def aws_time_ms(self, seen_ms: int) -> int:
        """AWS's clock, never backwards, over all processes of the deployment."""
        before = int(self._find("aws_time_ms") or 0)
        if seen_ms > before:
            self._set(("aws_time_ms", str(seen_ms)))
        return max(seen_ms, before)

    def instant(self, name: str, now_ms: int) -> int:
        """When something first happened: now, unless an earlier process recorded it."""
        found = self._find(f"instant/{name}")
        if found is None:
            self._set((f"instant/{name}", str(now_ms)))
            self._entered()
        return now_ms if found is None else int(found)

    def find_instant(self, name: str) -> int | None:
        """When something first happened, or None."""
        found = self._find(f"instant/{name}")
        return None if found is None else int(found)

    @property
    def numbers(self) -> dict[str, int]:
        """Instants, spans and AWS's clock, milliseconds, by their names in the journal."""
        rows = self._database.rows(
            "SELECT name, content FROM deployment WHERE name = 'aws_time_ms'"
            " OR name GLOB 'instant/*' OR name GLOB 'waited/*'"
        )
        return {str(name): int(content) for name, content in rows}

    def enter_numbers(self, numbers: Mapping[str, int]) -> None:
        """Keep ``numbers`` of another journal.

        Raises:
            ValueError: A name is not one of an instant, a span or AWS's clock.
        """
        for name in numbers:
            if name != "aws_time_ms" and not name.startswith(("instant/", "waited/")):
                raise ValueError(f"{name!r} is not an instant or a span")
        self._set(*((name, str(number)) for name, number in numbers.items()))
