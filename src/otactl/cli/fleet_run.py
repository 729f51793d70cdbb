"""``otactl fleet run``: runs the devices of a fleet until they are idle or the user stops them."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import completion, options, terminal
from otactl.cli.option_group import grouped
from otactl.cli.signals import Stopped
from otactl.errors import UserMistake
from otactl.model.status import ExecutionStatus
from otactl.operations.fleet_address import (
    fleet_directory,
    read_public_key,
    resolve_address,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otactl.device.profile import DeviceProfile
    from otactl.fleet import DevicePlan, FleetManifest, FleetRun, ThingResult


class StreamFormat(StrEnum):
    """The format of stream messages."""

    CBOR = "cbor"
    JSON = "json"


@grouped
def run(
    *,
    directory: options.Dir = None,
    forever: Annotated[
        bool, typer.Option("--forever", help="Run until Ctrl-C, not until idle.")
    ] = False,
    behave: Annotated[
        str,
        typer.Option(
            metavar="SHARES",
            autocompletion=completion.behaviours,
            help="Percent by behaviour, such as fail=10,silent=2; of succeed, fail, reject, "
            "silent, slow, corrupt, drop, revert, crashloop, dark, brick, liar, late.",
        ),
    ] = "",
    former_versions: Annotated[
        str,
        typer.Option(
            metavar="VERSIONS",
            help="Report versions to the classic shadow and $package: before a job, this one, or "
            "several in percent: 1.2.0=80,1.3.0=20.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="Random seed that assigns the behaviours.")] = 0,
    block_size: Annotated[
        int, typer.Option(metavar="BYTES", help="Size of a stream block, 256 to 131072.")
    ] = 4096,
    link_speed: Annotated[
        int, typer.Option(metavar="BYTES", min=1, help="Bytes per second of slow devices.")
    ] = 16384,
    save_blocks: Annotated[
        int, typer.Option(min=1, help="Save what has arrived to disk every N blocks.")
    ] = 64,
    install_seconds: Annotated[
        float, typer.Option(min=0, max=options.LONGEST_PAUSE, help="How long a device installs.")
    ] = 0.5,
    reboot_seconds: Annotated[
        float, typer.Option(min=0, max=options.LONGEST_PAUSE, help="How long it reboots.")
    ] = 0.5,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM key to check signatures with.")
    ] = None,
    require_signature: Annotated[
        bool, typer.Option("--require-signature", help="Refuse images that are not signed.")
    ] = False,
    stream_format: Annotated[
        StreamFormat, typer.Option("--format", help="Format of stream messages.")
    ] = StreamFormat.CBOR,
    grace: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=options.LONGEST_WAIT,
            help="The fleet is idle if nothing has been pending for SECONDS; batches of a rollout "
            "are a minute apart.",
        ),
    ] = 75.0,
    max_wait: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            max=options.LONGEST_WAIT,
            help="Stop after SECONDS in any case.",
        ),
    ] = None,
    broker: options.Broker,
    where: options.Location,
    output: options.Output = options.TEXT,
) -> None:
    """Run the devices: they take jobs, download, verify, install, and report.

    Ends when nothing has been pending for --grace seconds after at least one job. Exit codes: 0
    every execution succeeded, 1 otherwise.
    """
    from otactl.device.profile import DeviceProfile
    from otactl.fleet import FleetRun
    from otactl.wire.stream_topic import PayloadFormat

    fleet = fleet_directory(directory, where.state_dir)
    manifest = fleet.read()
    try:
        device = DeviceProfile(
            block_size=block_size,
            link_bytes_per_second=link_speed,
            save_blocks=save_blocks,
            install_ms=int(install_seconds * 1000),
            reboot_ms=int(reboot_seconds * 1000),
            require_signature=require_signature,
        )
        plans = _plans(manifest, device, behave, former_versions, seed)
    except ValueError as error:
        raise UserMistake(str(error)) from error
    address = resolve_address(
        broker,
        manifest,
        state_dir=where.state_dir,
        make_clients=lambda: replace(where, region=where.region or manifest.region).clients(),
    )
    running = FleetRun(
        fleet,
        plans,
        endpoint=address.endpoint,
        clock=address.clock,
        public_key=read_public_key(public_key),
        payload_format=PayloadFormat(stream_format.value),
    )
    with fleet.held():
        is_idle = _watch(running, forever=forever, grace=grace, max_wait=max_wait)
    _report(running.results(), things=len(plans), is_idle=is_idle, output=output)


def _plans(
    manifest: FleetManifest, device: DeviceProfile, behave: str, versions: str, seed: int
) -> list[DevicePlan]:
    from otactl.device.behaviour import deal_behaviours, parse_behave
    from otactl.fleet import DevicePlan
    from otactl.fleet.running_image import deal_factory_images

    dealt = deal_behaviours(manifest.things, parse_behave(behave), seed)
    factories = deal_factory_images(manifest.things, versions, seed) if versions else {}
    return [
        DevicePlan(
            thing_name=name, behaviour=dealt[name], profile=device, factory=factories.get(name)
        )
        for name in manifest.things
    ]


def _watch(running: FleetRun, *, forever: bool, grace: float, max_wait: float | None) -> bool:
    """Run the fleet until it is idle; with ``forever``, until Ctrl-C."""
    from otactl.views.fleet_status import FleetStatus

    try:
        with running, FleetStatus(terminal.stderr_console()) as status:
            return running.wait_until_idle(
                grace_seconds=float("inf") if forever else grace,
                max_wait_seconds=max_wait,
                on_tick=status.show,
            )
    except (KeyboardInterrupt, Stopped):
        if not forever:
            raise
        return True


def _report(
    results: Sequence[ThingResult], *, things: int, is_idle: bool, output: options.OutputFormat
) -> None:
    from otactl.views.fleet_table import print_results, results_fields

    if output is options.JSON:
        terminal.print_json(results_fields(results, things=things, is_idle=is_idle))
    else:
        print_results(terminal.stdout_console(), results)
    if not is_idle:
        terminal.warn("stopped before the fleet was idle")
    all_well = all(result.status is ExecutionStatus.SUCCEEDED for result in results)
    if not (is_idle and all_well):
        raise typer.Exit(1)
