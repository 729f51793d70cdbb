"""``otactl things``: writes a thing list from the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.atomic_file import replacing
from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import AwsRefused, LocalResourceMissing, UserMistake

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.aws.registry import IotRegistry

_PROGRESS_EVERY = 10_000


@grouped
def things(
    group: Annotated[
        list[str] | None,
        typer.Option("--group", "-g", metavar="NAME", help="Things of this group; repeatable."),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option("--query", "-q", help="Things that this fleet-index query finds."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every thing of the account and region.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the list here; else to stdout.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it exists.")] = False,
    *,
    where: options.AccountLocation,
) -> None:
    """Write a thing list: one ARN per line, each thing once.

    A thing list may also name a group by its ARN: that costs nothing and, in a CONTINUOUS job,
    includes things that join later. List the things of a group to choose among them.
    """
    if sum((bool(group), query is not None, everything)) != 1:
        raise UserMistake("say which things: one of --group, --query and --all")
    if out is not None and out.exists() and not force:
        raise UserMistake(f"{out} exists", hint="--force replaces it")
    clients = where.clients()
    lines = _arns(clients, _names(clients, group or [], query))
    count = _write(lines, out) if out is not None else _print(lines)
    _require_things(count)
    terminal.note(f"{count:,} things")


def _names(clients: AwsClients, groups: list[str], query: str | None) -> Iterator[str]:
    from otactl.aws.registry import IotRegistry, all_things, things_matching

    if query is not None:
        return things_matching(clients, query)
    if groups:
        registry = IotRegistry(clients)
        return (name for group in groups for name in _members(registry, group))
    return all_things(clients)


def _members(registry: IotRegistry, group: str) -> Iterator[str]:
    try:
        yield from registry.things_in_group(group)
    except AwsRefused as refusal:
        if not refusal.is_missing:
            raise
        raise UserMistake(
            f"there is no thing group {group}", hint="`aws iot list-thing-groups` lists them"
        ) from refusal


def _arns(clients: AwsClients, names: Iterable[str]) -> Iterator[str]:
    from otactl.aws.clients import account_of
    from otactl.model.arn import thing_arn

    account, region = account_of(clients), clients.require_region()
    seen: set[str] = set()
    for name in names:
        if name not in seen:
            seen.add(name)
            yield str(thing_arn(region, account, name))


def _print(lines: Iterable[str]) -> int:
    count = 0
    for line in lines:
        typer.echo(line)
        count += 1
    return count


def _write(lines: Iterable[str], out: Path) -> int:
    """Write the list; after a failure, or if it is empty, the file stays as it was."""
    count = 0
    try:
        with replacing(out, is_private=False) as file:
            for count, line in enumerate(lines, start=1):
                file.write(line + "\n")
                if count % _PROGRESS_EVERY == 0:
                    terminal.note(f"{count:,} things so far")
            _require_things(count)
    except OSError as error:
        raise LocalResourceMissing(f"cannot write {out}: {error.strerror}") from error
    return count


def _require_things(count: int) -> None:
    if not count:
        raise UserMistake("no thing was found; no list was written")
