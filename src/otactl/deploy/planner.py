"""From a configuration to a plan: which steps, in which order. Decides; calls nothing.

The order makes a deployment safe to interrupt: what a later step needs exists before it, alarms
exist before the first thing is notified, and undoing in reverse never deletes what is still in use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from otactl.deploy.former_image import FormerImage, PlannedRollback
from otactl.deploy.journal import Journal
from otactl.deploy.plan import Plan, PlannedWave
from otactl.deploy.planned_document import file_id_of, fits_a_stream, stream_id_of
from otactl.deploy.step import (
    AddThings,
    AnyStep,
    AwaitGate,
    AwaitJob,
    CreateJob,
    CreateStream,
    CreateThingGroup,
    EndWaves,
    FillGroup,
    NoteVersions,
    PutAlarm,
    UploadImage,
    UploadJobDocument,
    VerifyVersions,
)
from otactl.deploy.targeting import Dealt, Targeting, arms_of, names_digest, plan_comparison
from otactl.model.alarm import deployed_alarm_name
from otactl.model.arn import Arn, thing_arn, thing_group_arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.defaults import DEFAULT_DETAILS
from otactl.model.firmware import Firmware
from otactl.model.thing_list import ThingList
from otactl.model.wave import MAX_NAMED_THINGS, wave_job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Options of the command line that are not in the configuration.

    Attributes:
        detail_limit: The most things that are described one by one at the end of a round.
        max_wait_seconds: How long a round may take; None for no limit.
    """

    detail_limit: int = DEFAULT_DETAILS
    max_wait_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to deploy, as it was read from disk.

    Attributes:
        custom_document: The local custom job document; None if there is none, or it is in S3.
        account: The account of the credentials, twelve digits.
        force: Whether a job that has the id may be deleted even if otactl did not create it.
        excepted: The names of the things that ``exceptThings`` keeps out of every wave.
        journals: Returns the earlier deployments of this machine, the newest first.
        rollback: The image and waves of a rollback; None for any other deployment.
    """

    configuration: DeploymentConfiguration
    thing_list: ThingList
    custom_document: Mapping[str, Any] | None
    account: str
    deployment_id: str
    options: PlanOptions
    force: bool = False
    excepted: frozenset[str] = frozenset()
    journals: Callable[[], Iterable[Journal]] = tuple
    rollback: PlannedRollback | None = None


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans with and without waves.

    Attributes:
        firmware: The image as it is now; the plan is for this content only.
        document: From ``job_document``.
    """

    request: Request
    firmware: Firmware
    document: str

    @property
    def configuration(self) -> DeploymentConfiguration:
        """The configuration of the request."""
        return self.request.configuration

    def plan(self, targeting: Targeting) -> Plan:
        """The plan of a deployment without waves."""
        configuration, things = self.configuration, targeting.things
        group_name = f"otactl-{self.request.deployment_id}" if targeting.gathered else ""
        targets = targeting.arns
        setup: tuple[AnyStep, ...] = self._image_steps()
        if group_name:
            targets = (*targets, self._group_arn(group_name))
            setup += (
                CreateThingGroup(group_name=group_name),
                AddThings(
                    group_name=group_name,
                    things=targeting.gathered,
                    concurrency=configuration.upload_concurrency,
                ),
            )
        arns = map(Arn.parse, targets if things > MAX_NAMED_THINGS else ())
        groups = tuple(arn.resource_name for arn in arns if arn.resource_type == "thinggroup")
        rounds = tuple(
            (
                *self._note_steps(round=number, things=things, groups=groups),
                CreateJob(
                    round=number,
                    job_id=configuration.job_id,
                    targets=targets,
                    document=self.document,
                    configuration=configuration.job,
                    tags=configuration.tags,
                    things=things,
                    own_group=group_name,
                ),
                AwaitJob(
                    round=number,
                    job_id=configuration.job_id,
                    things=things,
                    configuration=configuration.job,
                    detail_limit=self.request.options.detail_limit,
                    max_wait_seconds=self.request.options.max_wait_seconds,
                    abort_wait_seconds=60.0 * configuration.abort_wait_minutes,
                ),
            )
            for number in range(1, configuration.rounds + 1)
        )
        return self._plan(
            things=things,
            setup=(*setup, *self._alarm_steps(configuration.job_id), *self._stream_steps()),
            rounds=rounds,
            delay_seconds=configuration.default_delay_seconds,
            closing=self._verify_steps(things, is_searched=things > MAX_NAMED_THINGS),
        )

    def wave_plan(self, dealt: Dealt, former: Sequence[FormerImage] = ()) -> Plan:
        """The plan of a deployment in waves: a job and a gate each, and one end.

        The group of a large wave is created before the gate of the wave before it, which fills it
        between two polls. The things can be rolled back to the former images.
        """
        excepted, rollback = self.request.excepted, self.request.rollback
        configuration, waves = self.configuration, self.configuration.waves
        if waves is None:
            raise LookupError("waves were dealt for a file without them")
        planned = tuple(
            PlannedWave(
                name=wave.name,
                size=str(wave.size),
                job_id=wave_job_id(configuration.job_id, wave.name),
                things=len(names),
                things_sha256=names_digest(sorted(names)),
                group_name=(
                    f"otactl-{self.request.deployment_id}-{wave.name}"
                    if wave.needs_group(len(names))
                    else ""
                ),
                rule=wave.rule,
            )
            for wave, names in dealt
        )
        arms = arms_of(dealt, len(excepted)) if waves.compare else {}
        comparison = plan_comparison(configuration, self.firmware.sha256, arms)
        rounds = []
        for number, (wave, names) in enumerate(dealt, start=1):
            this = planned[number - 1]
            groups = (this.group_name,) if this.group_name else ()
            filling = FillGroup(
                wave=number,
                name=this.name,
                group_name=this.group_name,
                things=this.things,
                per_second=waves.fill_per_second,
            )
            rounds.append(
                (
                    *(_wave_group(this) if number == 1 else ()),
                    *((filling,) if groups else ()),
                    *self._alarm_steps(this.job_id),
                    *self._note_steps(
                        round=number, wave=this.name, things=this.things, groups=groups
                    ),
                    CreateJob(
                        round=number,
                        wave=this.name,
                        job_id=this.job_id,
                        targets=self._targets(this.group_name, names),
                        document=self.document,
                        configuration=wave.job,
                        tags=configuration.tags,
                        things=this.things,
                        own_group=this.group_name,
                    ),
                    *(step for each in planned[number : number + 1] for step in _wave_group(each)),
                    AwaitGate(
                        wave=number,
                        name=this.name,
                        job_id=this.job_id,
                        things=this.things,
                        rule=this.rule,
                        compared=arms.get(number),
                        counts_boots=comparison is not None and comparison.source is not None,
                    ),
                )
            )
        things = sum(wave.things for wave in planned)
        detail_limit = self.request.options.detail_limit
        is_searched = any(wave.group_name for wave in planned)
        return self._plan(
            things=things,
            setup=(
                *self._image_steps(),
                *(
                    self._upload(one.firmware, former=one.version, offered_as=one.offered_as)
                    for one in former
                ),
                *self._stream_steps(),
            ),
            rounds=tuple(rounds),
            delay_seconds=0,
            waves=planned,
            closing=(
                EndWaves(
                    things=things,
                    waves=len(planned),
                    detail_limit=detail_limit,
                    described=sum(min(wave.things, detail_limit) for wave in planned),
                ),
                *self._verify_steps(things, is_searched=is_searched),
            ),
            open_days=waves.open_days,
            abort_wait_seconds=60.0 * configuration.abort_wait_minutes,
            rolls_back=waves.rolls_back,
            prefers_recent=waves.prefers_recent,
            rollback_of=rollback.deployment_id if rollback else "",
            wave_things=tuple(names for _, names in dealt),
            comparison=comparison,
            excepted=() if comparison is None else tuple(sorted(excepted)),
        )

    def _plan(self, **more: Any) -> Plan:
        configuration, listed = self.configuration, self.request.thing_list
        return Plan(
            deployment_id=self.request.deployment_id,
            source=configuration.file_name,
            region=configuration.region,
            account=self.request.account,
            job_id=configuration.job_id,
            image_sha256=self.firmware.sha256,
            targets_sha256=names_digest((*listed.things, *listed.groups)),
            clean_up=configuration.clean_up,
            image_version=configuration.reported_version or "",
            verify=configuration.verify,
            **more,
        )

    def _group_arn(self, name: str) -> str:
        return str(thing_group_arn(self.configuration.region, self.request.account, name))

    def _targets(self, group_name: str, names: Sequence[str]) -> tuple[str, ...]:
        """The targets of a wave's job: its group if it has one, else its things."""
        if group_name:
            return (self._group_arn(group_name),)
        region = self.configuration.region
        return tuple(str(thing_arn(region, self.request.account, name)) for name in names)

    def _image_steps(self) -> tuple[AnyStep, ...]:
        configuration = self.configuration
        upload = self._upload(
            self.firmware,
            offered_as=configuration.image_version or "",
            kept=configuration.rollback.keep_image,
        )
        if configuration.custom_document is None:
            return (upload,)
        return (
            upload,
            UploadJobDocument(
                bucket=configuration.bucket,
                object_key=f"job-documents/{self.request.deployment_id}/{configuration.job_id}.json",
                document=self.document,
            ),
        )

    def _upload(self, firmware: Firmware, **more: Any) -> UploadImage:
        return UploadImage(
            bucket=self.configuration.bucket,
            object_key=firmware.object_key,
            path=firmware.path,
            size_bytes=firmware.size_bytes,
            sha256=firmware.sha256,
            md5=firmware.md5,
            **more,
        )

    def _alarm_steps(self, job_id: str) -> Iterator[PutAlarm]:
        for alarm in self.configuration.alarms:
            yield PutAlarm(name=deployed_alarm_name(job_id, alarm.name), alarm=alarm, job_id=job_id)

    def _stream_steps(self) -> Iterator[CreateStream]:
        configuration, firmware = self.configuration, self.firmware
        if fits_a_stream(firmware):
            yield CreateStream(
                stream_id=stream_id_of(configuration, firmware),
                file_id=file_id_of(firmware),
                bucket=configuration.bucket,
                object_key=firmware.object_key,
                role_arn=configuration.role_arn,
                tags=configuration.tags,
            )

    def _note_steps(self, **fields: Any) -> tuple[NoteVersions, ...]:
        return () if self.configuration.verify is None else (NoteVersions(**fields),)

    def _verify_steps(self, things: int, *, is_searched: bool) -> tuple[VerifyVersions, ...]:
        rule = self.configuration.verify
        if rule is None:
            return ()
        return (
            VerifyVersions(
                things=things,
                expected=rule.expected_version,
                verify_ms=rule.verify_ms,
                is_searched=is_searched,
            ),
        )


def _wave_group(wave: PlannedWave) -> Iterator[CreateThingGroup]:
    if wave.group_name:
        yield CreateThingGroup(group_name=wave.group_name, wave=wave.name)
