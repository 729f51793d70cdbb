"""The size of the house: what a reader must hold in the head at once stays small."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import grimp

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


def test_no_files_import_each_other() -> None:
    """Not for types either: a circle is one idea in two files, or two in one."""
    graph = grimp.build_graph("otactl")

    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

    TopologicalSorter(imports).prepare()  # raises CycleError, with the circle
