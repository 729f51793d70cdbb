"""What a journal keeps of the version that each thing ran before: it is read once, at the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otactl.deploy.journal_file import Database

#: Names in one statement: SQLite takes 999 values in any version.
_AT_ONCE = 900


class FormerVersionEntries:
    """The entries of ``deploy.journal.Journal`` that are about former versions."""

    _database: Database

    def enter_former(self, versions: Mapping[str, str | None]) -> None:
        """Keep what things reported at the plan, by name; None when one reported nothing."""
        self._database.write_many(
            "INSERT OR IGNORE INTO former (thing, version) VALUES (?, ?)", versions.items()
        )

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
