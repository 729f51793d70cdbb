"""``otactl config``: explains every section and key, and prints a file to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import completion, options
from otactl.errors import UserMistake

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.model.configuration.catalogue import Key
    from otactl.model.configuration.sections import SectionSpec

app = typer.Typer(help="Explain the keys of a dev.ini.", no_args_is_help=True)

KeyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[KEY]",
        autocompletion=completion.keys,
        help="A key, SECTION.key or a section; every key when left out.",
        show_default=False,
    ),
]


@app.command()
def explain(key: KeyArgument = None, output: options.Output = options.TEXT) -> None:
    """Explain a key: what it does, its allowed values, what it becomes in AWS."""
    from otactl.cli.terminal import print_json, stdout_console
    from otactl.model.configuration.catalogue import all_keys, find_keys
    from otactl.model.configuration.sections import find_section
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped

    sections: list[SectionSpec] = []
    if key is None:
        keys = all_keys()
    else:
        keys = find_keys(key)
        section = find_section(key)
        if not keys and section is not None:
            sections = [section]
            keys = tuple(each for each in all_keys() if each.section == section.name)
        if not keys:
            raise _unknown(key)
    if output is options.JSON:
        listed = [shaped(account.Key, each, inManual=not each.ours) for each in keys]
        print_json({"keys": listed})
        return
    console = stdout_console()
    for spec in sections:
        _print_section(console, spec)
    if key is None or sections:
        _print_overview(console, keys)
    else:
        for each in keys:
            _print_key(console, each)


@app.command()
def template() -> None:
    """Print a dev.ini to start from: every key with an explanation, every switch off."""
    from otactl.model.configuration.catalogue import render_template

    typer.echo(render_template(), nl=False)


def _unknown(name: str) -> UserMistake:
    from otactl.model.configuration.catalogue import near_names
    from otactl.model.quoting import quoted

    near = near_names(name)
    hint = f"did you mean {' or '.join(near)}?" if near else "`otactl config explain` lists all"
    return UserMistake(f"there is no key or section {quoted(name)}", hint=hint)


def _print_section(console: Console, spec: SectionSpec) -> None:
    console.print(f"[{spec.name}]", style="bold", markup=False)
    console.print(spec.about, markup=False)
    if condition := spec.counts_when():
        console.print(f"It counts {condition}.", markup=False)
    console.print()


def _print_overview(console: Console, keys: tuple[Key, ...]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("key", no_wrap=True)
    table.add_column("default", no_wrap=True)
    table.add_column("allowed")
    section = ""
    for key in keys:
        if key.section != section:
            section = key.section
            table.add_row(_plain(f"[{section}]", "bold cyan"), "", "")
        default = "required" if key.is_required else key.default or "empty"
        table.add_row(_plain(f"  {key.name}"), _plain(default), _plain(key.allowed))
    console.print(table)


def _print_key(console: Console, key: Key) -> None:
    from rich.table import Table

    console.print(f"[{key.section}] {key.name}", style="bold", markup=False)
    console.print(key.about, markup=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("type", _plain(key.type_name))
    table.add_row("allowed", _plain(key.allowed))
    table.add_row("default", _plain("none: it is required" if key.is_required else key.default))
    table.add_row("becomes", _plain(key.becomes))
    table.add_row("example", _plain(f"{key.name} = {key.example}"))
    if key.also is not None:
        table.add_row("also read as", _plain(key.also))
    table.add_row("from", _plain("otactl" if key.ours else "the manual"))
    console.print(table)
    console.print()


def _plain(text: str | None, style: str = "") -> Any:
    from rich.text import Text

    return Text(text or "empty", style=style)
