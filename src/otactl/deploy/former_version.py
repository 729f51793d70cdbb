"""What a journal keeps of the plan's look at things: their versions, and who gets no image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from pydantic import TypeAdapter

from otactl.deploy.journal_file import Database
from otactl.model.eligibility import LeftOut

#: Names in one statement: SQLite takes 999 values in any version.
_AT_ONCE = 900
_LEFT_OUT = TypeAdapter(LeftOut)


class FormerVersionEntries:
    """The entries of ``deploy.journal.Journal`` that are about former versions."""

    _database: Database

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
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'left_out'"
        if self._database.row(tables) is None:
            return ()
        rows = self._database.rows("SELECT content FROM left_out ORDER BY thing")
        return tuple(_LEFT_OUT.validate_json(row[0]) for row in rows)

    def former(self, names: Iterable[str]) -> dict[str, str | None]:
        """What things reported at the plan, by name; a thing that was not asked is left out."""
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'former'"
        if self._database.row(tables) is None:
            return {}
        found: dict[str, str | None] = {}
        left = iter(names)
        while part := list(islice(left, _AT_ONCE)):
            marks = ", ".join("?" * len(part))
            statement = f"SELECT thing, version FROM former WHERE thing IN ({marks})"  # noqa: S608
            found |= dict(self._database.rows(statement, *part))
        return found
