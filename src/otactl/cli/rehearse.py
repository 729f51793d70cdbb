"""``otactl rehearse``: a whole deployment on this machine, with devices that really download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otactl.cli import completion, options, terminal
from otactl.cli.option_group import grouped
from otactl.operations.fleet_address import read_public_key
from otactl.operations.state_directory import state_directory

#: A round of a rehearsal ends after this time, by the local cloud's clock.
_DEFAULT_MAX_WAIT_SECONDS = 3600.0


@grouped
def rehearse(
    file: options.Configuration,
    things: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, metavar="N", help="Generate N things in place of the thing list."
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, metavar="R", help="Rounds, in place of the file's.")
    ] = None,
    behave: Annotated[
        str,
        typer.Option(
            metavar="SHARES",
            autocompletion=completion.behaviours,
            help="What some devices do, in percent: fail=10,reject=5,silent=2,slow=…,corrupt=…,"
            "drop=…,revert=…,crashloop=…,dark=…,brick=…,liar=…,late=…; of one wave: "
            "canary:fail=20.",
        ),
    ] = "",
    seed: Annotated[int, typer.Option(help="Random seed that assigns the behaviours.")] = 0,
    former_versions: Annotated[
        str,
        typer.Option(
            metavar="VERSIONS",
            help="What the things run before: a version, or several in percent: 1.2.0=80,1.3.0=20. "
            "[default: what the file is for, else factory]",
        ),
    ] = "",
    max_wait: Annotated[
        float,
        typer.Option(
            min=1,
            max=options.LONGEST_WAIT,
            metavar="SECONDS",
            help="End an unfinished round after SECONDS.",
        ),
    ] = _DEFAULT_MAX_WAIT_SECONDS,
    speed: Annotated[
        float,
        typer.Option(
            min=0.1, max=600, help="Let time run faster: 30 rehearses half an hour in a minute."
        ),
    ] = 1.0,
    block_size: Annotated[
        int | None, typer.Option(metavar="BYTES", help="Size of the requested stream blocks.")
    ] = None,
    link_speed: Annotated[
        int | None, typer.Option(metavar="BYTES", help="Bytes per second of slow devices.")
    ] = None,
    things_per_group: Annotated[
        int, typer.Option(min=1, help="Things made in each thing group of the list.")
    ] = 3,
    faults: Annotated[
        float,
        typer.Option(
            min=0,
            max=80,
            metavar="PERCENT",
            help="Percentage of AWS calls that are throttled, fail, or lose their answer.",
        ),
    ] = 0.0,
    approve: Annotated[
        bool, typer.Option("--approve", help="Approve every gate that waits for a person.")
    ] = False,
    reject: Annotated[
        bool, typer.Option("--reject", help="Reject at the first gate that waits for a person.")
    ] = False,
    public_key: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="PEM key to check signatures with. [default: that of the signing key]",
        ),
    ] = None,
    state_dir: options.StateDir = None,
    *,
    files: options.Results,
    output: options.Output = options.TEXT,
) -> None:
    """Rehearse the deployment of FILE on this machine, then remove everything.

    A local cloud is started, the bucket, roles, things and groups that FILE names are created in
    it, virtual devices connect over MQTT with certificates of their own. Then `otactl deploy FILE`
    runs unchanged: the image goes to S3, the devices fetch it through the stream, check it, install
    it and report. Nothing leaves this machine and no AWS account is needed.

    Exit codes: 0 every thing succeeded in every round, 1 not, 2 a mistake in the files or the
    command; see `otactl deploy` for the others.
    """
    from otactl.cli.deploy_output import leave
    from otactl.cli.frontend import TerminalFrontend
    from otactl.errors import UserMistake
    from otactl.model.wave import Act
    from otactl.operations.rehearsal.rehearse import RehearsalOptions
    from otactl.operations.rehearsal.rehearse import rehearse as rehearse_deployment

    if approve and reject:
        raise UserMistake("--approve and --reject contradict each other")
    rehearsal = RehearsalOptions(
        things=things,
        rounds=rounds,
        behave=behave,
        seed=seed,
        former_versions=former_versions,
        max_wait_seconds=max_wait,
        speed=speed,
        block_size=block_size,
        link_speed=link_speed,
        things_per_group=things_per_group,
        fault_percent=faults,
        state_dir=state_dir,
        answer=Act.APPROVE if approve else Act.REJECT if reject else None,
        public_key=read_public_key(public_key),
    )
    rehearsed = rehearse_deployment(file, rehearsal, TerminalFrontend())
    result, failure = rehearsed.result, rehearsed.failure
    if output is options.JSON:
        own = {"verifiedSha256": rehearsed.verified, "lateSeconds": round(result.late_seconds, 3)}
        terminal.print_json(result.to_fields() | own)
    else:
        from otactl.views.result_table import print_result

        print_result(terminal.stdout_console(), result)
        terminal.note(
            f"{rehearsed.verified:,} downloads verified by their devices: SHA-256 of the image"
            " file. Everything is removed"
        )
    folder = state_directory(state_dir)
    leave(result, failure, files, state_dir=folder, now_ms=rehearsed.ended_ms)
