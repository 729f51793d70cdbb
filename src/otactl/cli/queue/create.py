"""``otactl queue create``: the wizard writes a ``dev.ini``, and it goes into the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import options
from otactl.cli.option_group import grouped
from otactl.cli.queue.options import Creating, Queue


@grouped
def create(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The dev.ini to write.")] = Path(
        "dev.ini"
    ),
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="EXISTING", help="Start from this file."),
    ] = None,
    *,
    creating: Creating,
    queue: Queue,
    output: options.Output = options.TEXT,
) -> None:
    """Ask for the values of a dev.ini, write it, and put its deployment into the queue.

    Starts from FILE when it exists, or from EXISTING, or from a template.
    """
    from otactl.cli.init import init
    from otactl.cli.queue.add import add

    # As the manual has it: every key is asked for.
    init(file=file, source=source, full=True, yes=True)
    _name_files(file, {"binName": creating.image, "thingList": creating.thing_list})
    add(file=file, adding=creating, queue=queue, output=output)


def _name_files(file: Path, given: dict[str, Path | None]) -> None:
    """Write the files of the command line into the configuration, whatever was answered."""
    from otactl.model.ini import read_ini
    from otactl.model.ini_edit import with_value
    from otactl.model.limits import MAX_CONFIGURATION_LENGTH
    from otactl.operations.text_file import read_text, write_atomically

    ini = read_ini(read_text(file, limit=MAX_CONFIGURATION_LENGTH), file_name=str(file))
    for key, path in given.items():
        if path is not None:
            named = path.resolve()
            folder = file.resolve().parent
            value = named.relative_to(folder) if named.is_relative_to(folder) else named
            ini = with_value(ini, "DEFAULT", key, str(value))
    write_atomically(file, ini.text)
