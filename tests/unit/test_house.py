"""The size of the house: what a reader must hold in the head at once stays small."""

from __future__ import annotations

from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "otactl"
MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_CLI = 6_000


def lines_of(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_no_file_is_longer_than_a_reader_likes() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := lines_of(path)) > MOST_LINES_OF_A_FILE
    }

    assert long == {}


def test_the_commands_decide_nothing() -> None:
    """A command is options in, an operation called, a view printed: that takes few lines."""
    assert sum(map(lines_of, (SOURCE / "cli").rglob("*.py"))) <= MOST_LINES_OF_CLI
