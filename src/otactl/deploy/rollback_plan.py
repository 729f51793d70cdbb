"""A rollback as a deployment in waves, by ``rules.rollback``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otactl.deploy.former_image import FormerImage, PlannedRollback
from otactl.deploy.plan import Plan
from otactl.deploy.planned_document import fits_a_stream, stream_id_of
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.ports import Services
from otactl.model.arn import thing_arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.identifier import MAX_JOB_ID_LENGTH
from otactl.model.job_configuration import JobConfiguration
from otactl.model.rollback import FIRST_WAVE, rollback_stream_id
from otactl.model.thing_list import ThingList
from otactl.model.wave import Wave, Waves, wave_job_id
from otactl.rules.rollback import rollback_job, rollback_waves

_SUFFIX = "-rb-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One planned rollback, with all that another machine needs to make the same plan.

    Attributes:
        version: The version that its things had before.
        things: Their names.
        offline: Those not known to be connected.
        number: The number of this rollback of the deployment, from 1.
        deployment_id: The rollback's own.
    """

    version: str
    things: tuple[str, ...]
    offline: frozenset[str]
    number: int
    deployment_id: str

    def request(
        self,
        plan: Plan,
        configuration: DeploymentConfiguration,
        image: FormerImage,
        custom_document: Mapping[str, Any] | None,
    ) -> Request:
        """The request for the rollback as a deployment.

        Args:
            plan: Of the deployment that is rolled back, as are the file and its document.
            image: What the things had before.
        """
        rollback_of, account = plan.deployment_id, plan.account
        dealt = _deal(self.things, self.offline, configuration.job)
        suffix = f"{_SUFFIX}{self.number}"
        most = MAX_JOB_ID_LENGTH - len(wave_job_id(suffix, FIRST_WAVE))
        changed = replace(
            configuration,
            image=image.firmware.path,
            image_version=image.offered_as,
            expected_version=image.version,
            verify=None,
            version_source=None,
            eligibility=None,
            job_id=configuration.job_id[:most] + suffix,
            stream_id=rollback_stream_id(configuration.stream_id, self.number),
            rounds=1,
            clean_up=False,
            alarms=(),
            job=rollback_job(configuration.job),
            waves=Waves(
                waves=tuple(wave for wave, _ in dealt), open_days=configuration.rollback.open_days
            ),
            rollback=replace(configuration.rollback, keep_image=False),
        )
        arns = [str(thing_arn(configuration.region, account, name)) for name in self.things]
        return Request(
            configuration=changed,
            thing_list=ThingList(file_name=f"the things of {rollback_of}", things=tuple(arns)),
            custom_document=custom_document,
            account=account,
            deployment_id=self.deployment_id,
            options=PlanOptions(),
            rollback=PlannedRollback(deployment_id=rollback_of, image=image, dealt=dealt),
        )


def number_of(job_id: str) -> int:
    """The number of a rollback, by the id of its job."""
    return int(job_id.rpartition(_SUFFIX)[2])


def _deal(
    things: Sequence[str], offline: Collection[str], job: JobConfiguration
) -> tuple[tuple[Wave, tuple[str, ...]], ...]:
    connected = [name for name in things if name not in offline]
    waves = rollback_waves(len(connected), len(things) - len(connected), job)
    first = tuple((connected or things)[: waves[0].things])
    taken = set(first)
    rest = tuple(name for name in things if name not in taken)
    return tuple(zip((each.wave for each in waves), (first, rest), strict=False))


def is_taken(request: Request, image: FormerImage, services: Services) -> bool:
    """Whether the rollback of an earlier deployment with the same job id has these names.

    Its jobs and its stream stay for things that are offline, so their ids are in use.
    """
    configuration, streams = request.configuration, services.streams
    waves = configuration.waves.waves if configuration.waves else ()
    ids = (wave_job_id(configuration.job_id, wave.name) for wave in waves)
    return any(services.jobs.describe(job_id) is not None for job_id in ids) or (
        fits_a_stream(image.firmware)
        and streams.description(stream_id_of(configuration, image.firmware)) is not None
    )
