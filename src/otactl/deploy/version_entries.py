"""What a journal keeps of the versions that things report, before and after the update."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.deploy.journal_file import Database
from otactl.model.verify import THING_VERSION, ThingVersion


class VersionEntries:
    """The entries of ``deploy.journal.Journal`` that are about versions."""

    _database: Database

    def enter_versions(self, number: int, things: Iterable[ThingVersion]) -> None:
        """Keep what is known of things of a wave or a round, in place of what was known before."""
        self._database.write_many(
            "REPLACE INTO version (round, thing, content) VALUES (?, ?, ?)",
            ((number, one.thing_name, THING_VERSION.dump_json(one).decode()) for one in things),
        )

    def versions(self, number: int) -> dict[str, ThingVersion]:
        """What is known of the things of a wave or a round, by name."""
        tables = "SELECT 1 FROM sqlite_master WHERE name = 'version'"
        if self._database.row(tables) is None:
            return {}
        rows = self._database.rows(
            "SELECT thing, content FROM version WHERE round = ? ORDER BY thing", number
        )
        return {str(name): THING_VERSION.validate_json(content) for name, content in rows}
