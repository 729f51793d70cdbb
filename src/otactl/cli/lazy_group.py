"""A group of commands that imports a command only when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from otactl.cli.help import prepare_help
from otactl.views.command_index import INDEX, Entry, location_of


class LazyGroup(TyperGroup):
    """``otactl``, with the commands of ``INDEX`` and those added to it."""

    def __init__(self, **how: Any) -> None:
        super().__init__(**how)
        self.commands = _Commands(self.commands, how["rich_markup_mode"])  # type: ignore[assignment]

    def get_params(self, ctx: Any) -> list[Any]:
        """The group's own options, which are flags."""
        parameters = super().get_params(ctx)
        for each in parameters:
            if each.default is None:
                # With a bool default, typer does not import pydantic, half of the startup time.
                each.default = False
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Print the help of otactl itself."""
        from otactl.cli.terminal import stdout_console
        from otactl.views.command_list import print_commands

        options = [(", ".join(each.opts), each.help) for each in self.get_params(ctx)]
        usage = " ".join([ctx.command_path, *self.collect_usage_pieces(ctx)])
        print_commands(stdout_console(), usage, str(self.help), options)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names of the commands, in the order of help."""
        return list(INDEX)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """A command as a list shows it: its name, first sentence and heading."""
        entry = INDEX.get(cmd_name)
        if entry is None:
            return self.commands.get(cmd_name)
        return TyperCommand(cmd_name, help=entry.about, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, to be run or completed."""
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and self.commands[str(name)], rest


class _Commands(Mapping[str, Any]):
    """The commands by name; each is imported once, at its first lookup."""

    def __init__(self, given: Mapping[str, Any], markup: Any) -> None:
        self._loaded = dict(given)
        self._markup = markup

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._load(name, INDEX[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(INDEX)

    def __len__(self) -> int:
        return len(INDEX)

    def _load(self, name: str, entry: Entry) -> Any:
        module, attribute = location_of(name)
        found = getattr(import_module(f"otactl.cli.{module}"), attribute)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=self._markup)
            alone.command(name, rich_help_panel=entry.panel)(found)
            found = alone
        found.pretty_exceptions_enable = False
        command = typer.main.get_command(found)
        command.name = name
        prepare_help(command, name)
        return command
