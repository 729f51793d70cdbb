"""A rollback as a deployment in waves: at most 50 things first, then the rest.

Things that nothing shows to be connected do not hold it up: they are in the last wave, whose gate
asks for no more things than may come, and its job stays open for them. More than 5 % of a wave that
fail stop the rollback.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from otactl.deploy.former_image import FormerImage, PlannedRollback
from otactl.deploy.preparation import Request
from otactl.model.arn import thing_arn
from otactl.model.identifier import MAX_JOB_ID_LENGTH
from otactl.model.rollback import (
    FIRST_THINGS,
    FIRST_WAVE,
    OTHERS_WAVE,
    REQUIRED_SUCCEEDED,
    rollback_stream_id,
)
from otactl.model.status import TargetSelection
from otactl.model.thing_list import ThingList
from otactl.model.wave import WHOLE, GateRule, Wave, Waves, WaveSize, wave_job_id

if TYPE_CHECKING:
    from otactl.deploy.planner import PlanOptions
    from otactl.model.configuration import DeploymentConfiguration

_SUFFIX = "-rb-"
#: For a file without [TIMEOUT_CONFIG]: a thing that dies in its rollback must end, too.
_TIMEOUT_MINUTES = 60


def rollback_request(
    configuration: DeploymentConfiguration,
    image: FormerImage,
    things: Sequence[str],
    *,
    offline: Collection[str],
    rollback_of: str,
    number: int,
    deployment_id: str,
    account: str,
    custom_document: Mapping[str, Any] | None,
    options: PlanOptions,
) -> Request:
    """The deployment that takes things back to one former version.

    Args:
        configuration: Of the deployment that is taken back.
        image: What its things had before.
        things: Their names.
        offline: Things that nothing shows to be connected.
        rollback_of: The deployment that is taken back.
        number: Of the rollback among those of that deployment, from 1.
        deployment_id: Of the rollback.
        account: Of the credentials.
        custom_document: As the deployment had it.
        options: What the command line adds.
    """
    timeout = configuration.job.in_progress_timeout_minutes or _TIMEOUT_MINUTES
    job = replace(
        configuration.job,
        target_selection=TargetSelection.SNAPSHOT,
        abort_criteria=(),
        scheduling=None,
        in_progress_timeout_minutes=timeout,
    )
    dealt = _deal(things, offline, job)
    suffix = f"{_SUFFIX}{number}"
    most = MAX_JOB_ID_LENGTH - len(wave_job_id(suffix, FIRST_WAVE))
    taken_back = replace(
        configuration,
        image=image.firmware.path,
        image_version=image.offered_as,
        expected_version=image.version,
        verify=None,
        version_source=None,
        eligibility=None,
        job_id=configuration.job_id[:most] + suffix,
        stream_id=rollback_stream_id(configuration.stream_id, number),
        rounds=1,
        clean_up=False,
        alarms=(),
        job=job,
        waves=Waves(
            waves=tuple(wave for wave, _ in dealt), open_days=configuration.rollback.open_days
        ),
        rollback=replace(configuration.rollback, keep_image=False),
    )
    arns = [str(thing_arn(configuration.region, account, name)) for name in things]
    return Request(
        configuration=taken_back,
        thing_list=ThingList(file_name=f"the things of {rollback_of}", things=tuple(arns)),
        custom_document=custom_document,
        account=account,
        deployment_id=deployment_id,
        options=options,
        rollback=PlannedRollback(deployment_id=rollback_of, image=image, dealt=dealt),
    )


def number_of(job_id: str) -> int:
    """The number of a rollback, by the id of its job."""
    return int(job_id.rpartition(_SUFFIX)[2])


def _deal(
    things: Sequence[str], offline: Collection[str], job: Any
) -> tuple[tuple[Wave, tuple[str, ...]], ...]:
    connected = [name for name in things if name not in offline]
    # Where nothing is connected, the first to come are the first wave.
    candidates = connected or list(things)
    first = tuple(candidates[:FIRST_THINGS])
    taken = set(first)
    rest = tuple(name for name in things if name not in taken)
    parts = [(FIRST_WAVE, first)] + ([(OTHERS_WAVE, rest)] if rest else [])
    last = parts[-1][0]
    return tuple(
        (_wave(name, names, offline, job, is_last=name == last), names) for name, names in parts
    )


def _wave(
    name: str, things: Sequence[str], offline: Collection[str], job: Any, *, is_last: bool
) -> Wave:
    required = REQUIRED_SUCCEEDED
    if is_last:
        awaited = sum(each not in offline for each in things)
        required = awaited * WHOLE // len(things)
    return Wave(
        name=name,
        size=WaveSize() if name == OTHERS_WAVE else WaveSize(things=len(things)),
        rule=GateRule(
            required_ended=required,
            required_succeeded=REQUIRED_SUCCEEDED,
            soak_ms=0,
        ),
        job=job,
    )
