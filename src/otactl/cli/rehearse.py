"""``otactl rehearse``: a whole deployment on this machine, with devices that really download."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import terminal
from otactl.cli.options import (
    ConfigurationArgument,
    OutputFormat,
    OutputOption,
    StateDirOption,
)
from otactl.errors import DeploymentFailed, OtactlError, UserMistake

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.cli.load import LoadedDeployment
    from otactl.cli.rehearsal.casting import Cast
    from otactl.cli.rehearsal.stage import Stage
    from otactl.device.profile import DeviceProfile
    from otactl.model.outcome import DeploymentResult

#: A round of a rehearsal ends after so long, by the local cloud's clock.
_DEFAULT_MAX_WAIT_SECONDS = 3600.0
_POLL_SECONDS = 0.5


def rehearse(
    file: ConfigurationArgument,
    things: Annotated[
        int | None,
        typer.Option(
            "--things",
            min=1,
            max=100_000,
            metavar="N",
            help="N generated things in place of the thing list.",
        ),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, metavar="R", help="In place of the file's.")
    ] = None,
    behave: Annotated[
        str,
        typer.Option(
            "--behave",
            metavar="SHARES",
            help="What some devices do, in percent: fail=10,reject=5,silent=2,slow=…,corrupt=…,"
            "drop=….",
        ),
    ] = "",
    seed: Annotated[
        int, typer.Option("--seed", help="Deals the behaviours; the same seed, the same deal.")
    ] = 0,
    max_wait: Annotated[
        float,
        typer.Option(
            "--max-wait", min=1, metavar="SECONDS", help="End a round that is not over by then."
        ),
    ] = _DEFAULT_MAX_WAIT_SECONDS,
    speed: Annotated[
        float,
        typer.Option(
            "--speed",
            min=0.1,
            max=600,
            help="Let time run faster: 30 rehearses half an hour in a minute.",
        ),
    ] = 1.0,
    block_size: Annotated[
        int | None,
        typer.Option("--block-size", metavar="BYTES", help="Of the stream blocks devices ask for."),
    ] = None,
    link_speed: Annotated[
        int | None,
        typer.Option("--link-speed", metavar="BYTES", help="Per second, of slow devices' links."),
    ] = None,
    things_per_group: Annotated[
        int,
        typer.Option("--things-per-group", min=1, help="Made in each thing group of the list."),
    ] = 3,
    faults: Annotated[
        float,
        typer.Option(
            "--faults",
            min=0,
            max=80,
            metavar="PERCENT",
            help="Let so many of a hundred AWS calls be throttled, fail, or lose their answer.",
        ),
    ] = 0.0,
    state_dir: StateDirOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Rehearse the deployment of FILE on this machine, then take everything down.

    A local cloud is started, the bucket, roles, things and groups that FILE names are made in it,
    virtual devices connect over MQTT with certificates of their own, and then exactly what `otactl
    deploy FILE` does is done: the image goes to S3, the devices fetch it through the stream, check
    it, install it and report. Nothing leaves this machine and no AWS account is needed.

    Exit codes: 0 every thing succeeded in every round, 1 not, 2 a mistake in the files or the
    command; see `otactl deploy` for the others.
    """
    from otactl.cli.load import load_deployment
    from otactl.cli.rehearsal.casting import cast_rehearsal, check_partition, generated_list
    from otactl.cli.rehearsal.stage import CloudChoice, set_stage
    from otactl.cli.watching.report_file import report_finished

    loaded = load_deployment(
        file,
        overrides={"rounds": str(rounds)} if rounds is not None else None,
        make_thing_list=(None if things is None else lambda read: generated_list(things, read)),
    )
    terminal.print_warnings(loaded.warnings)
    check_partition(loaded.configuration)
    _take_down_abandoned(terminal.state_directory(state_dir))
    cast = cast_rehearsal(
        loaded.thing_list, behave=behave, seed=seed, things_per_group=things_per_group
    )
    _warn_if_endless(loaded, cast, max_wait)
    with set_stage(
        loaded,
        cast,
        cloud=CloudChoice(speed=speed, fault_percent=faults, fault_seed=seed),
        profile=_profile(block_size, link_speed),
        public_key=_public_key(loaded),
        tell=terminal.note,
    ) as stage:
        result, failure = _perform(loaded, stage, cast, max_wait, state_dir)
    verified = _verified(result)
    if output is OutputFormat.JSON:
        terminal.print_json(result.to_fields() | {"verifiedSha256": verified})
    else:
        from otactl.views.result_table import print_result

        print_result(terminal.stdout_console(), result)
        terminal.note(
            f"{verified:,} downloads verified by their devices: SHA-256 of the very file."
            " Everything is taken down"
        )
    code = 0 if failure is None else terminal.tell_failure(failure, is_listed=True)
    report_finished(result.deployment_id, terminal.state_directory(state_dir), stage.clock.now_ms())
    if code:
        raise typer.Exit(code)


def _perform(
    loaded: LoadedDeployment, stage: Stage, cast: Cast, max_wait: float, state_dir: Path | None
) -> tuple[DeploymentResult, Any]:
    """Carry the deployment out on the stage, and look up what it left behind."""
    from otactl.aws.clients import AwsClients, AwsSettings
    from otactl.aws.inventory import take_inventory
    from otactl.cli.deployment import DeploymentEnvironment, begin, carry_out, make_plan
    from otactl.deploy.planner import PlanOptions

    configuration = loaded.configuration
    before = take_inventory(stage.clients, (configuration.bucket,))
    environment = DeploymentEnvironment(
        clients=AwsClients(
            AwsSettings.for_local_cloud(
                stage.address,
                max_attempts=configuration.max_attempts,
                iot_interval_ms=configuration.api_sleep_ms,
            )
        ),
        clock=stage.clock,
        state_dir=terminal.state_directory(state_dir),
        poll_seconds=_POLL_SECONDS * stage.address.clock_speed,
        upload_concurrency=configuration.upload_concurrency,
        is_rehearsal=True,
        local_cloud=stage.address,
    )
    options = PlanOptions(detail_limit=len(cast.things), max_wait_seconds=max_wait)
    plan = make_plan(loaded, environment, options)
    journal = begin(loaded, plan, environment)
    try:
        result, failure = carry_out(journal, environment)
    finally:
        journal.close()
    try:
        leftovers = take_inventory(stage.clients, (configuration.bucket,)) - before
    except OtactlError as error:
        if failure is None:
            raise
        terminal.warn(f"what is left could not be looked up: {error}")
        return result, failure
    result = result.with_leftovers(tuple(sorted(leftovers)))
    return result, failure or _unfaithful(result)


def _take_down_abandoned(state_dir: Path) -> None:
    """Take down what rehearsals that were killed could not."""
    from otactl.cli.rehearsal.abandoned import end_abandoned_journals, remove_abandoned_folders
    from otactl.deploy.store import DeploymentStore

    for folder in remove_abandoned_folders():
        terminal.note(f"removed {folder}: a rehearsal that was killed left it")
    end_abandoned_journals(DeploymentStore(state_dir))


def _warn_if_endless(loaded: LoadedDeployment, cast: Cast, max_wait: float) -> None:
    from otactl.device.behaviour import Behaviour

    silent = cast.count(Behaviour.SILENT)
    if silent and loaded.configuration.job.in_progress_timeout_minutes is None:
        terminal.warn(
            f"{silent} things will fall silent and [TIMEOUT_CONFIG] is off: this job could never"
            f" end. Each round ends after --max-wait, {max_wait:g} seconds"
        )


def _profile(block_size: int | None, link_speed: int | None) -> DeviceProfile:
    from otactl.device.profile import DeviceProfile

    changes: dict[str, Any] = {}
    if block_size is not None:
        changes["block_size"] = block_size
        changes["request_bytes"] = max(block_size, DeviceProfile().request_bytes)
    if link_speed is not None:
        changes["link_bytes_per_second"] = link_speed
    try:
        return replace(DeviceProfile(), **changes)
    except ValueError as error:
        raise UserMistake(f"--block-size or --link-speed: {error}") from error


def _public_key(loaded: LoadedDeployment) -> ec.EllipticCurvePublicKey | None:
    """What the devices check signatures with: the public half of the key that signs."""
    if loaded.configuration.signing is None:
        return None
    from otactl.deploy.signing import public_key_of

    return public_key_of(loaded.configuration.signing.private_key_path)


def _verified(result: DeploymentResult) -> int:
    """How many installs reported the SHA-256 of the very image."""
    return sum(
        1
        for round_result in result.rounds
        for outcome in round_result.outcomes
        if outcome.sha256 == result.image_sha256
    )


def _unfaithful(result: DeploymentResult) -> DeploymentFailed | None:
    """A device that says it succeeded with other bytes than the image's would be our fault."""
    wrong = [
        outcome.thing_name
        for round_result in result.rounds
        for outcome in round_result.outcomes
        if outcome.status == "SUCCEEDED" and outcome.sha256 != result.image_sha256
    ]
    if not wrong:
        return None
    return DeploymentFailed(
        f"{len(wrong)} devices report success with another SHA-256 than the image's:"
        f" {', '.join(wrong[:10])}"
    )
