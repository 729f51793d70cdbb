"""``otactl fleet``: creates, runs and deletes virtual devices, in AWS or in a local cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import fleet_run, options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.model.identifier import is_thing_group_name, is_thing_name
from otactl.operations.fleet_address import fleet_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.fleet import FleetDirectory, FleetManifest

#: More than one machine can run: a device takes 100 KiB of memory.
MAX_FLEET = 1_000_000

app = typer.Typer(no_args_is_help=True, help="Virtual devices that really download and verify.")

app.command()(fleet_run.run)


@app.command()
@grouped
def create(
    *,
    things: Annotated[
        int, typer.Option("--things", "-n", min=1, max=MAX_FLEET, help="Number of things.")
    ],
    group: Annotated[str, typer.Option("--group", "-g", metavar="NAME", help="Their group.")],
    prefix: Annotated[
        str | None,
        typer.Option(help="Prefix of the thing names. [default: the group's name and a dash]"),
    ] = None,
    directory: options.Dir = None,
    where: options.Location,
    output: options.Output = options.TEXT,
) -> None:
    """Create things with a certificate and key each, a group, and a policy for their own topics.

    Keys are made here and never leave this machine. After a failure, run it again to complete what
    is missing.
    """
    from otactl.operations.fleet_provisioning import create_fleet, plan_fleet

    names = _names(things, group, f"{group}-" if prefix is None else prefix)
    clients = where.clients()
    fleet = fleet_directory(directory, where.state_dir)
    manifest = plan_fleet(clients, things=names, groups={group: names})
    if fleet.exists:
        manifest = _same_fleet(fleet, manifest)
    _advance("creating", create_fleet(clients, fleet, manifest), things)
    _describe(manifest, fleet, output)


@app.command("list")
def list_things(
    directory: options.Dir = None,
    state_dir: options.StateDir = None,
    output: options.Output = options.TEXT,
) -> None:
    """Show the things of the fleet, and the SHA-256 of the image that each one runs."""
    from otactl.fleet.slot import SlotStore
    from otactl.views.fleet_table import print_fleet

    fleet = fleet_directory(directory, state_dir)
    manifest = fleet.read()
    rows = [
        {
            "thing": name,
            "certificate": fleet.certificate_arn(name),
            "runs": SlotStore(fleet.files_of(name).directory).booted_sha256,
        }
        for name in manifest.things
    ]
    if output is options.JSON:
        terminal.print_json({"groups": manifest.groups, "things": rows})
    else:
        print_fleet(terminal.stdout_console(), rows)


@app.command()
@grouped
def delete(
    directory: options.Dir = None,
    *,
    where: options.Location,
) -> None:
    """Delete the fleet's things, certificates, group and policy, and all its files."""
    from otactl.operations.fleet_provisioning import delete_fleet

    fleet = fleet_directory(directory, where.state_dir)
    manifest = fleet.read()
    clients = replace(where, region=where.region or manifest.region).clients()
    if clients.settings.endpoint_url != manifest.endpoint_url:
        raise UserMistake(
            f"this fleet was made at {manifest.endpoint_url or 'AWS'}, "
            f"not at {clients.settings.endpoint_url or 'AWS'}",
            hint="set --endpoint-url or AWS_ENDPOINT_URL; if that local cloud no longer exists, "
            "its things do not either: remove the directory",
        )
    with fleet.held():
        _advance("deleting", delete_fleet(clients, fleet, manifest), len(manifest.things))
    terminal.note(f"{len(manifest.things):,} things deleted; {fleet.root} is empty")


def _names(things: int, group: str, prefix: str) -> list[str]:
    if not is_thing_group_name(group):
        raise UserMistake(
            f"--group {group!r} is no thing group name: 1 to 128 of a-z, A-Z, 0-9, ':', '_', '-'"
        )
    digits = max(3, len(str(things)))
    names = [f"{prefix}{number:0{digits}}" for number in range(1, things + 1)]
    if not is_thing_name(names[-1]):
        raise UserMistake(
            f"{names[-1]!r} is no thing name: 1 to 128 of a-z, A-Z, 0-9, ':', '_', '-'",
            hint="--prefix sets how the names begin",
        )
    return names


def _same_fleet(fleet: FleetDirectory, wanted: FleetManifest) -> FleetManifest:
    """The existing fleet, if it is the requested one."""
    found = fleet.read()
    same = (found.things, found.groups, found.endpoint_url, found.region) == (
        wanted.things,
        wanted.groups,
        wanted.endpoint_url,
        wanted.region,
    )
    if not same:
        raise UserMistake(
            f"there is another fleet in {fleet.root}",
            hint="`otactl fleet delete` removes it, --dir makes one elsewhere",
        )
    return found


def _advance(doing: str, names: Iterator[str], total: int) -> None:
    from rich.progress import track

    for _ in track(
        names, f"{doing} things", total=total, console=terminal.stderr_console(), transient=True
    ):
        pass


def _describe(manifest: FleetManifest, fleet: FleetDirectory, output: options.OutputFormat) -> None:
    if output is options.JSON:
        from otactl.model.json_output import progress
        from otactl.model.json_output.shaping import shaped

        terminal.print_json(shaped(progress.CreatedFleet, manifest, directory=str(fleet.root)))
        return
    typer.echo(
        f"{len(manifest.things):,} things in {', '.join(manifest.groups)}, "
        f"{manifest.things[0]} to {manifest.things[-1]}; keys and certificates in {fleet.root}"
    )
    terminal.note("Run them with: otactl fleet run")
