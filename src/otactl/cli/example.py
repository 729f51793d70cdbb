"""``otactl example``: lists and copies the files of the documentation that otactl includes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import completion, terminal
from otactl.errors import LocalResourceMissing, UserMistake

app = typer.Typer(
    name="example",
    help="Files to begin with: configurations, profiles, CI files, templates, scripts.",
    no_args_is_help=True,
)


@app.command("list")
def list_examples() -> None:
    """Print the names of the files, one per line."""
    from otactl.operations.shared_file import shared_files

    for name in shared_files():
        typer.echo(name)


@app.command("copy")
def copy_example(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME...",
            autocompletion=completion.examples,
            help="Files or folders of `otactl example list`.",
            show_default=False,
        ),
    ],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to copy them.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Copy files to a folder: `otactl example copy profiles/field.toml deployment`.

    A file is copied under its own name, a folder with everything in it.
    """
    from otactl.operations.shared_file import find_shared

    copies = [(path, to / name) for each in names for path, name in find_shared(each)]
    existing = [target for _, target in copies if target.exists()]
    if existing and not force:
        raise UserMistake(f"{existing[0]} exists", hint="--force replaces it")
    try:
        for path, target in copies:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    except OSError as error:
        raise LocalResourceMissing(f"cannot copy to {to}: {error.strerror}") from error
    for _, target in copies:
        terminal.note(str(target))
