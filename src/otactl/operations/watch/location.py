"""Where a job is: account, region, local cloud, clock.

Options come first, then the environment, then the journal of the job's newest deployment, then the
dev.ini. A rehearsal's cloud stops with the rehearsal; while it runs, its journal has the address.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud import read_record
from otactl.deploy.journal import Journal
from otactl.errors import UserMistake
from otactl.model.local_cloud import LocalCloudAddress
from otactl.operations.clock import CommandClock
from otactl.operations.location_options import LocationOptions
from otactl.operations.state_directory import local_state_directory

#: A person waits for the answer: report soon that AWS is unreachable.
_MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLocation:
    """Where a job is.

    Attributes:
        clock: Shows the service's time.
        speed: Seconds of that clock per second here.
        is_gone: Whether it no longer exists, such as a rehearsal's cloud after the rehearsal.
        is_rehearsal: Whether it is a rehearsal's cloud, where calls cost nothing.
    """

    clients: AwsClients
    clock: CommandClock
    speed: float = 1.0
    is_gone: Callable[[], bool] = lambda: False
    is_rehearsal: bool = False


def find_location(
    options: LocationOptions, *, journal_path: Path | None = None, region: str | None = None
) -> JobLocation:
    """Find where a job is, by its deployment's journal or the region of a dev.ini."""
    about, journal_region = recorded_location(journal_path)
    rehearsed = None if options.endpoint_url else rehearsal_cloud(about)
    if rehearsed is not None:
        location = _at_local_cloud(
            rehearsed, AwsSettings.for_local_cloud(rehearsed, max_attempts=_MAX_ATTEMPTS)
        )
        return replace(location, is_gone=lambda: rehearsal_cloud(about) is None, is_rehearsal=True)
    endpoint_url = options.endpoint_url or about.get("endpointUrl")
    known_region = region or journal_region
    if options.region and known_region and options.region != known_region:
        raise UserMistake(
            f"--region {options.region} contradicts the deployment's, {known_region}",
            hint="a job belongs to one region: leave the flag out",
        )
    settings = AwsSettings(
        profile=options.profile or about.get("profile"),
        region=options.region or known_region,
        endpoint_url=endpoint_url,
        max_attempts=_MAX_ATTEMPTS,
    )
    local = read_record(local_state_directory(options.state_dir)) if endpoint_url else None
    if local is not None and local.endpoint_url == endpoint_url:
        return _at_local_cloud(local, settings)
    return JobLocation(clients=AwsClients(settings), clock=CommandClock())


def recorded_location(journal_path: Path | None) -> tuple[dict[str, Any], str | None]:
    """The ``about`` fields of a journal, and the region of its plan."""
    if journal_path is None:
        return {}, None
    with closing(Journal.read(journal_path)) as journal:
        return journal.about, journal.plan.region


def rehearsal_cloud(about: dict[str, Any]) -> LocalCloudAddress | None:
    """The local cloud in a journal's ``about`` fields, if the rehearsal still runs."""
    try:
        address = LocalCloudAddress(**about["localCloud"])
    except (KeyError, TypeError):
        return None
    running = read_record(Path(address.state_dir))
    return address if running == address else None


def _at_local_cloud(address: LocalCloudAddress, settings: AwsSettings) -> JobLocation:
    return JobLocation(
        clients=AwsClients(settings),
        clock=CommandClock.of_local_cloud(address),
        speed=address.clock_speed,
    )
