"""``otactl history``: the deployments of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Any

from otactl.cli import options, terminal

#: Of a deployment's id (``new_deployment_id``).
_ID_WIDTH = 23
#: Of a failure, so much: in 80 columns it stands on two lines.
_FAILURE_WIDTH = 100


def history(
    state_dir: options.StateDir = None,
    output: options.Output = options.TEXT,
) -> None:
    """List the deployments of this machine, the newest first."""
    from otactl.operations.stored_deployment import stored_deployments

    entries, damaged = stored_deployments(state_dir)
    if output is options.JSON:
        terminal.print_json({"deployments": entries, "damaged": damaged})
        return
    for one in damaged:
        terminal.warn(one["problem"])
    from rich.table import Table
    from rich.text import Text

    from otactl.views.foreign_text import clean

    table = Table(box=None, pad_edge=False, header_style="bold")
    # What one copies into the next command stands whole; the rest makes room.
    table.add_column("deployment", no_wrap=True, overflow="ignore", min_width=_ID_WIDTH)
    table.add_column("job, and what became of it", overflow="fold")
    for entry in entries:
        table.add_row(entry["deploymentId"], Text("\n".join(map(clean, _reported(entry)))))
    terminal.stdout_console().print(table if entries else "no deployments yet")


def _reported(entry: Mapping[str, Any]) -> list[str]:
    """A deployment in a few lines; `otactl report` and --output json tell the whole failure."""
    from otactl.views.wording import rounds_words, things_words

    rounds = f"{entry['roundsDone']} of {rounds_words(entry['rounds'])}"
    if entry["waves"]:
        passed = sum(each["verdict"] == "pass" for each in entry["waves"])
        rounds = f"{passed} of {len(entry['waves'])} gates passed"
    of = "rehearsal of " if entry["rehearsal"] else ""
    if entry["rollbackOf"]:
        of += f"rollback of {entry['rollbackOf']}, "
    return [
        entry["jobId"],
        f"{of}{Path(entry['file']).name}, {things_words(entry['things'])}, {rounds}",
        shorten(entry["summary"], _FAILURE_WIDTH, placeholder=" …"),
    ]
