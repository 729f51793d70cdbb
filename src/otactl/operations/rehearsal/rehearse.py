"""Runs a whole deployment on this machine, with a local cloud and virtual devices."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.inventory import take_inventory
from otactl.cloud import CloudSettings
from otactl.deploy.image_file import measure_image
from otactl.deploy.planner import PlanOptions
from otactl.deploy.step_run import WaitOptions
from otactl.deploy.store import DeploymentStore
from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile
from otactl.errors import DeploymentFailed, OtactlError, UserMistake
from otactl.model.outcome import DeploymentResult
from otactl.model.wave import Act
from otactl.operations.deployment import begin, make_plan, run_deployment
from otactl.operations.environment import DeploymentEnvironment, pace_of_file
from otactl.operations.frontend import Frontend
from otactl.operations.load import LoadedDeployment, load_deployment
from otactl.operations.rehearsal.abandoned import end_abandoned_journals, remove_abandoned_folders
from otactl.operations.rehearsal.environment import (
    RehearsalEnvironment,
    rehearsal_environment,
)
from otactl.operations.rehearsal.participants import (
    DealWaves,
    Participants,
    check_partition,
    choose_participants,
    generated_list,
    usual_versions,
)
from otactl.operations.rollback.start import roll_back_if_planned
from otactl.operations.state_directory import state_directory

_POLL_SECONDS = 0.5
#: So late, by the rehearsal's clock, this machine may decide what ends: half of one minute, the
#: shortest timeout, rollout step and window there is.
LATE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    """How a rehearsal differs from the deployment of its file.

    Attributes:
        things: Generated things in place of the thing list; None for those of the list.
        rounds: In place of the file's.
        behave: Behaviours in percent of the things: ``fail=10,silent=2``.
        seed: Deals the behaviours, and the versions.
        former_versions: What the things run before: a version, or several with their shares in
            percent, ``1.2.0=80,1.3.0=20``; empty for those that the file is for.
        max_wait_seconds: After how long an unfinished round ends, by the local cloud's clock.
        speed: Seconds of the local cloud per second here.
        block_size: Bytes of the stream blocks that devices request.
        link_speed: Bytes per second of slow devices' links.
        things_per_group: Number of things created in each thing group of the list.
        fault_percent: Percentage of AWS calls that are throttled, fail, or lose their answer.
        index_lag_seconds: How late the fleet index is, in seconds of the local cloud.
        state_dir: Where the journal is; None for the user's state directory.
        answer: The answer to a gate that waits for a person; None to keep waiting.
        public_key: The key that devices check signatures with; None for the signing key's.
    """

    things: int | None = None
    rounds: int | None = None
    behave: str = ""
    seed: int = 0
    former_versions: str = ""
    max_wait_seconds: float = 3600.0
    speed: float = 1.0
    block_size: int | None = None
    link_speed: int | None = None
    things_per_group: int = 3
    fault_percent: float = 0.0
    index_lag_seconds: float = 0.0
    state_dir: Path | None = None
    answer: Act | None = None
    public_key: ec.EllipticCurvePublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalReport:
    """The result of a rehearsal.

    Attributes:
        failure: How it failed; None if every thing succeeded.
        ended_ms: When it ended, epoch milliseconds of the local cloud's clock.
    """

    result: DeploymentResult
    failure: OtactlError | None
    ended_ms: int

    @property
    def verified(self) -> int:
        """The number of installs that reported the SHA-256 of the image."""
        return sum(
            1
            for round_result in self.result.rounds
            for outcome in round_result.outcomes
            if outcome.sha256 == self.result.image_sha256
        )


def rehearse(path: Path, options: RehearsalOptions, frontend: Frontend) -> RehearsalReport:
    """Rehearse the deployment of a ``dev.ini``, then remove everything.

    Raises:
        ConfigurationInvalid: A file is invalid.
        UserMistake: The options are invalid, or the file cannot be rehearsed.
    """
    things, rounds = options.things, options.rounds
    loaded = load_deployment(
        path,
        overrides={"rounds": str(rounds)} if rounds is not None else None,
        make_thing_list=None if things is None else lambda read: generated_list(things, read),
    )
    frontend.warn_of(loaded.warnings)
    check_partition(loaded.configuration)
    for folder in remove_abandoned_folders():
        frontend.note(f"removed {folder}: a rehearsal that was killed left it")
    end_abandoned_journals(DeploymentStore(state_directory(options.state_dir)))
    participants = choose_participants(
        loaded.thing_list,
        behave=options.behave,
        seed=options.seed,
        things_per_group=options.things_per_group,
        former_versions=options.former_versions or usual_versions(loaded.configuration),
        former_images={
            image.version: Path(image.path) for image in loaded.configuration.rollback.images
        },
        waves=_waves(loaded),
    )
    silent = participants.count(Behaviour.SILENT)
    if silent and loaded.configuration.job.in_progress_timeout_minutes is None:
        frontend.warn(
            f"{silent} things will fall silent and [TIMEOUT_CONFIG] is off: this job could never"
            f" end. Each round ends after --max-wait, {options.max_wait_seconds:g} seconds"
        )
    settings = CloudSettings(
        account_id=loaded.configuration.account,
        region=loaded.configuration.region,
        speed=options.speed,
        fault_percent=options.fault_percent,
        fault_seed=options.seed,
        index_lag_seconds=options.index_lag_seconds,
    )
    with rehearsal_environment(
        loaded,
        participants,
        settings=settings,
        profile=_profile(options.block_size, options.link_speed),
        public_key=options.public_key,
        frontend=frontend,
    ) as rehearsed:
        result, failure = _perform(rehearsed, participants, options, frontend)
    return RehearsalReport(result=result, failure=failure, ended_ms=rehearsed.clock.now_ms())


def _waves(loaded: LoadedDeployment) -> DealWaves | None:
    configuration = loaded.configuration
    if configuration.waves is None:
        return None
    image = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
    return DealWaves(waves=configuration.waves, excepted=loaded.excepted, image_sha256=image.sha256)


def _perform(
    rehearsed: RehearsalEnvironment,
    participants: Participants,
    options: RehearsalOptions,
    frontend: Frontend,
) -> tuple[DeploymentResult, OtactlError | None]:
    """Run the deployment, and find what it left behind."""
    loaded = rehearsed.loaded
    buckets = (loaded.configuration.bucket,)
    before = take_inventory(rehearsed.clients, buckets)
    pace = pace_of_file(loaded.configuration)
    environment = DeploymentEnvironment(
        clients=AwsClients(AwsSettings.for_local_cloud(rehearsed.address, **pace)),
        clock=rehearsed.clock,
        state_dir=state_directory(options.state_dir),
        poll_seconds=_POLL_SECONDS * rehearsed.address.clock_speed,
        is_rehearsal=True,
        local_cloud=rehearsed.address,
        frontend=frontend,
        waiting=WaitOptions(max_wait_seconds=options.max_wait_seconds, answer=options.answer),
    )
    planned = PlanOptions(
        detail_limit=len(participants.things), max_wait_seconds=options.max_wait_seconds
    )
    plan = make_plan(loaded, environment, planned)
    rehearsed.take_lateness()  # while the devices connected: what is measured begins now
    with closing(begin(loaded, plan, environment)) as journal:
        result, failure = run_deployment(journal, environment)
        result, failure = roll_back_if_planned(journal, environment, result, failure, loaded)
    result = replace(result, late_seconds=rehearsed.take_lateness())
    if failure is not None and result.late_seconds > LATE_SECONDS:
        frontend.warn(_lateness_warning(result.late_seconds, options.speed))
    try:
        found = tuple(sorted(take_inventory(rehearsed.clients, buckets) - before))
    except OtactlError as error:
        if failure is None:
            raise
        frontend.warn(f"what is left could not be read: {error}")
        return result, failure
    # With cleanUpCfg = False it is kept on purpose, as in `otactl deploy`.
    cleans_up = loaded.configuration.clean_up
    result = replace(result, leftovers=found) if cleans_up else replace(result, kept=found)
    return result, failure or _wrong_image_failure(result)


def _profile(block_size: int | None, link_speed: int | None) -> DeviceProfile:
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


def _lateness_warning(late_seconds: float, speed: float) -> str:
    slower = max(1, int(speed * LATE_SECONDS / late_seconds))
    return (
        f"this machine was up to {late_seconds:.0f} seconds of the rehearsal's clock late, so a"
        " timeout or a gate may have failed what a real fleet would pass"
        + (f"; rehearse with --speed {slower}" if slower < speed else "")
    )


def _wrong_image_failure(result: DeploymentResult) -> DeploymentFailed | None:
    """The failure if devices report success with bytes other than the image's: a bug of ours."""
    wrong = [
        outcome.thing_name
        for each in (result, *result.rollbacks)
        for round_result in each.rounds
        for outcome in round_result.outcomes
        if outcome.status == "SUCCEEDED" and outcome.sha256 != each.image_sha256
    ]
    if not wrong:
        return None
    return DeploymentFailed(
        f"{len(wrong)} devices report success with another SHA-256 than the image's:"
        f" {', '.join(wrong[:10])}"
    )
