"""``otactl init``: a wizard that writes a ``dev.ini``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import terminal
from otactl.cli.options import YesOption
from otactl.errors import ConfigurationInvalid, LocalResourceMissing, UserMistake
from otactl.model.ini import IniDocument
from otactl.operations.text_file import write_atomically


def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The dev.ini to write.")] = Path(
        "dev.ini"
    ),
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="EXISTING", help="Start from this file; its comments are kept."
        ),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Ask for the values of a dev.ini and write it.

    It starts from EXISTING, or from FILE when that exists, or from a template; what you do not
    answer stays as it is. Every answer is checked as AWS would. FILE is never replaced unasked.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserMistake(
            "otactl init asks questions, and there is no terminal to ask them at",
            hint=f"`otactl config template > {file}` writes a file to fill in",
        )
    from otactl.cli.questions import TerminalAsker
    from otactl.operations.wizard import Wizard

    asker = TerminalAsker()
    document = Wizard(_starting_point(file, source), asker).run()
    if file.exists() and not yes and not asker.confirm(f"Replace {file}?", default=False):
        terminal.note(f"{file} stays as it was")
        return
    write_atomically(file, document.text)
    terminal.note(f"wrote {file}; `otactl validate {file}` checks it with the files it names")


def _starting_point(file: Path, source: Path | None) -> IniDocument:
    from otactl.model.configuration.template import render_template
    from otactl.model.ini import read_ini
    from otactl.model.limits import MAX_CONFIGURATION_LENGTH
    from otactl.operations.text_file import read_text

    origin = source if source is not None else file if file.exists() else None
    if origin is None:
        return read_ini(render_template())
    try:
        text = read_text(origin, limit=MAX_CONFIGURATION_LENGTH)
    except LocalResourceMissing as error:
        raise LocalResourceMissing(f"cannot read {origin}: {error}", hint=error.hint) from error
    document = read_ini(text, file_name=str(origin))
    if document.problems:
        raise ConfigurationInvalid(document.problems)
    return document
