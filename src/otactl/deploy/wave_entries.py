"""What a journal keeps of waves: who is in which, how far groups are filled, what gates said.

Also the instants that a verdict is computed from: written once, by whichever process is first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from otactl.deploy.thing_entries import ThingEntries
from otactl.model.wave import GATE_STATUS, GateStatus


class WaveEntries(ThingEntries):
    """The entries of ``deploy.journal.Journal`` that are about waves."""

    def enter_waves(self, waves: Iterable[Iterable[str]]) -> None:
        """Keep which things are in which wave, numbered from 1: it is decided once."""
        self._database.write_many(
            "INSERT OR IGNORE INTO wave_thing (wave, thing) VALUES (?, ?)",
            ((number, name) for number, names in enumerate(waves, start=1) for name in names),
        )

    def wave_things(self, wave: int, *, after: str = "", limit: int = -1) -> list[str]:
        """The things of a wave by name: at most N, those behind a name."""
        rows = self._database.rows(
            "SELECT thing FROM wave_thing WHERE wave = ? AND thing > ? ORDER BY thing LIMIT ?",
            *(wave, after, limit),
        )
        return [str(row[0]) for row in rows]

    def count_wave_things(self, wave: int, *, after: str = "") -> int:
        """How many things of a wave are behind a name."""
        row = self._database.row(
            "SELECT count(*) FROM wave_thing WHERE wave = ? AND thing > ?", *(wave, after)
        )
        return int(row[0])

    def filled_until(self, wave: int) -> str:
        """The last thing that was added to a wave's group; empty for none."""
        return self._find(f"filled/{wave}") or ""

    def enter_filled(self, wave: int, last: str, refusals: Mapping[str, str]) -> None:
        """Write down how far a wave's group is filled, and which things AWS did not take."""
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
        """Write down what a gate says; a verdict stands here before it is acted on."""
        self._database.write(
            "REPLACE INTO gate VALUES (?, ?)",
            *(status.wave, GATE_STATUS.dump_json(status).decode()),
        )
        self._entered()

    @property
    def gates(self) -> tuple[GateStatus, ...]:
        """What each gate said last, in order of the waves; none in a journal without waves."""
        if not self._database.has("gate"):
            return ()
        rows = self._database.rows("SELECT status FROM gate ORDER BY wave")
        return tuple(GATE_STATUS.validate_json(row[0]) for row in rows)

    def enter_rollbacks(self, deployment_ids: Iterable[str]) -> None:
        """Write down which deployments take this one back."""
        self._set(("rollbacks", " ".join(sorted(deployment_ids))))

    @property
    def rollbacks(self) -> tuple[str, ...]:
        """The ids of the deployments that take this one back, the oldest first."""
        return tuple((self._find("rollbacks") or "").split())

    @property
    def has_rollback(self) -> bool:
        """Whether it was decided what takes this one back, though it be nothing."""
        return self._find("rollbacks") is not None

    def aws_time_ms(self, seen_ms: int) -> int:
        """AWS's clock, never backwards, whichever process saw it."""
        before = int(self._find("aws_time_ms") or 0)
        if seen_ms > before:
            self._set(("aws_time_ms", str(seen_ms)))
        return max(seen_ms, before)

    def instant(self, name: str, now_ms: int) -> int:
        """When something first happened: now, unless an earlier process wrote it down."""
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
        """Instants, spans and AWS's clock, milliseconds, by the names they are kept under."""
        rows = self._database.rows(
            "SELECT name, content FROM deployment WHERE name = 'aws_time_ms'"
            " OR name GLOB 'instant/*' OR name GLOB 'waited/*'"
        )
        return {str(name): int(content) for name, content in rows}

    def enter_numbers(self, numbers: Mapping[str, int]) -> None:
        """Keep such numbers of another journal.

        Raises:
            ValueError: A name is not theirs.
        """
        for name in numbers:
            if name != "aws_time_ms" and not name.startswith(("instant/", "waited/")):
                raise ValueError(f"{name!r} is no instant and no span")
        self._set(*((name, str(number)) for name, number in numbers.items()))
