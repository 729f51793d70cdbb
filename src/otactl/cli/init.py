"""``otactl init``: a wizard that writes a ``dev.ini``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options, terminal
from otactl.errors import ConfigurationInvalid, LocalResourceMissing, UserMistake
from otactl.model.ini import IniDocument
from otactl.operations.text_file import write_atomically

if TYPE_CHECKING:
    from otactl.operations.wizard import Asker


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
    full: Annotated[
        bool, typer.Option("--full", help="Ask for every key, also for a new file.")
    ] = False,
    yes: options.Yes = False,
) -> None:
    """Ask for the values of a dev.ini and write it.

    For a new file these are six: things, image, role, bucket, region, job. Rollout, abort criterion
    and timeout are preset safely for that number of things. After Ctrl-C the answers are kept for
    the next time.

    With --full, or to change FILE or EXISTING, every key is asked for; a key without an answer
    stays as it is. Answers are checked as AWS would. Whether to replace FILE is asked first.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserMistake(
            "otactl init asks questions, and stdin or stdout is not a terminal",
            hint=f"`otactl config template > {file}` writes a file to fill in",
        )
    from otactl.cli.questions import TerminalAsker
    from otactl.operations.wizard import Wizard

    asker = TerminalAsker()
    if not full and source is None and not file.exists():
        _ask_six(file, asker)
        return
    if file.exists() and not yes and not asker.confirm(f"Replace {file}?", default=False):
        terminal.note(f"{file} stays as it was")
        return
    document = Wizard(_starting_point(file, source), asker).run()
    write_atomically(file, document.text)
    terminal.note(f"wrote {file}; `otactl validate {file}` checks it with the files it names")


def _ask_six(file: Path, asker: Asker) -> None:
    from otactl.operations.short_wizard import ShortWizard, kept_answers

    kept = file.with_name(f".{file.name}.answers")
    wizard = ShortWizard(file.parent, asker, kept_answers(kept))
    try:
        text = wizard.run()
    except KeyboardInterrupt:
        if wizard.answers:
            write_atomically(kept, json.dumps(wizard.answers) + "\n")
            terminal.note(f"your answers are kept; `otactl init {file}` suggests them")
        raise
    write_atomically(file, text)
    kept.unlink(missing_ok=True)
    terminal.note(f"wrote {file}; try it on this machine: otactl rehearse {file}")


def _starting_point(file: Path, source: Path | None) -> IniDocument:
    from otactl.model.configuration.catalogue import render_template
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
