"""From a configuration to a plan: which steps, in which order. Decides; calls nothing.

The order is what makes a deployment safe to interrupt: what a later step needs is there before
it, alarms watch before the first thing is notified, and undoing in reverse never takes away what
is still in use.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from otactl.deploy.former_image import FormerImage
from otactl.deploy.plan import Plan, PlannedWave
from otactl.deploy.planned_document import (
    file_id_of,
    fits_a_stream,
    stream_id_of,
)
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
from otactl.deploy.targeting import Targeting
from otactl.deploy.wave_targeting import arms_of, plan_comparison, things_digest
from otactl.model.alarm import deployed_alarm_name
from otactl.model.arn import Arn, thing_arn, thing_group_arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.defaults import DEFAULT_DETAILS
from otactl.model.firmware import Firmware
from otactl.model.wave import MAX_NAMED_THINGS, Wave, wave_job_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """What the command line may say beside the configuration.

    Attributes:
        detail_limit: How many things may be asked about one by one at the end of a round.
        max_wait_seconds: How long a round may take; None for as long as it does.
    """

    detail_limit: int = DEFAULT_DETAILS
    max_wait_seconds: float | None = None


def build_plan(
    configuration: DeploymentConfiguration,
    firmware: Firmware,
    targeting: Targeting,
    *,
    deployment_id: str,
    account: str,
    document: str,
    targets_sha256: str,
    options: PlanOptions,
) -> Plan:
    """The plan of a deployment.

    Args:
        configuration: What the user wants.
        firmware: The image as it is now; the plan is for this very content.
        targeting: Whom it is for.
        deployment_id: A new one.
        account: The account all of it happens in.
        document: From ``job_document``.
        targets_sha256: From ``targets_digest``.
        options: What the command line adds.
    """
    group_name = f"otactl-{deployment_id}"
    targets = targeting.arns
    if targeting.gathered:
        group = thing_group_arn(configuration.region, account, group_name)
        targets = (*targets, str(group))
    return Plan(
        deployment_id=deployment_id,
        source=configuration.file_name,
        region=configuration.region,
        account=account,
        job_id=configuration.job_id,
        image_sha256=firmware.sha256,
        targets_sha256=targets_sha256,
        things=targeting.things,
        setup=(
            *_image_steps(configuration, firmware, document, deployment_id),
            *_group_steps(configuration, targeting, group_name),
            *_alarm_steps(configuration, configuration.job_id),
            *_stream_steps(configuration, firmware),
        ),
        rounds=tuple(
            (
                *_note_steps(
                    configuration,
                    round=number,
                    things=targeting.things,
                    groups=_target_groups(targets) if targeting.things > MAX_NAMED_THINGS else (),
                ),
                CreateJob(
                    round=number,
                    job_id=configuration.job_id,
                    targets=targets,
                    document=document,
                    configuration=configuration.job,
                    tags=configuration.tags,
                    things=targeting.things,
                    own_group=group_name if targeting.gathered else "",
                ),
                AwaitJob(
                    round=number,
                    job_id=configuration.job_id,
                    things=targeting.things,
                    configuration=configuration.job,
                    detail_limit=options.detail_limit,
                    max_wait_seconds=options.max_wait_seconds,
                    abort_wait_seconds=60.0 * configuration.abort_wait_minutes,
                ),
            )
            for number in range(1, configuration.rounds + 1)
        ),
        clean_up=configuration.clean_up,
        delay_seconds=configuration.default_delay_seconds,
        image_version=configuration.reported_version or "",
        verify=configuration.verify,
        closing=_verify_steps(
            configuration, targeting.things, is_searched=targeting.things > MAX_NAMED_THINGS
        ),
    )


def build_wave_plan(
    configuration: DeploymentConfiguration,
    firmware: Firmware,
    dealt: tuple[tuple[Wave, tuple[str, ...]], ...],
    *,
    deployment_id: str,
    account: str,
    document: str,
    targets_sha256: str,
    options: PlanOptions,
    excepted: Collection[str] = (),
    former: Sequence[FormerImage] = (),
    rollback_of: str = "",
) -> Plan:
    """The plan of a deployment in waves: a job and a gate each, and one end.

    The group of a large wave is there before the gate of the wave before it, which fills it
    between two polls. Takes what ``build_plan`` takes, which things are in each wave and which in
    none, the images that can take them back, and of a rollback the deployment that it takes back.
    """
    waves = configuration.waves
    if waves is None:
        raise LookupError("waves were dealt for a file without them")
    planned = tuple(
        PlannedWave(
            name=wave.name,
            size=str(wave.size),
            job_id=wave_job_id(configuration.job_id, wave.name),
            things=len(names),
            things_sha256=things_digest(names),
            group_name=(
                f"otactl-{deployment_id}-{wave.name}" if wave.needs_group(len(names)) else ""
            ),
            rule=wave.rule,
        )
        for wave, names in dealt
    )
    arms = arms_of(dealt, len(excepted)) if waves.compare else {}
    comparison = plan_comparison(configuration, firmware.sha256, arms)
    rounds = []
    for number, (wave, names) in enumerate(dealt, start=1):
        this = planned[number - 1]
        following = planned[number] if number < len(planned) else None
        filling = FillGroup(
            wave=number,
            name=this.name,
            group_name=this.group_name,
            things=this.things,
            per_second=waves.fill_per_second,
        )
        targets = tuple(
            str(arn)
            for arn in (
                [thing_group_arn(configuration.region, account, this.group_name)]
                if this.group_name
                else (thing_arn(configuration.region, account, name) for name in names)
            )
        )
        rounds.append(
            (
                *(_wave_group(this) if number == 1 else ()),
                *((filling,) if this.group_name else ()),
                *_alarm_steps(configuration, this.job_id),
                *_note_steps(
                    configuration,
                    round=number,
                    wave=this.name,
                    things=this.things,
                    groups=(this.group_name,) if this.group_name else (),
                ),
                CreateJob(
                    round=number,
                    wave=this.name,
                    job_id=this.job_id,
                    targets=targets,
                    document=document,
                    configuration=wave.job,
                    tags=configuration.tags,
                    things=this.things,
                    own_group=this.group_name,
                ),
                *(() if following is None else _wave_group(following)),
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
    end = EndWaves(things=things, waves=len(planned), detail_limit=options.detail_limit)
    return Plan(
        deployment_id=deployment_id,
        source=configuration.file_name,
        region=configuration.region,
        account=account,
        job_id=configuration.job_id,
        image_sha256=firmware.sha256,
        targets_sha256=targets_sha256,
        things=things,
        setup=(
            *_image_steps(configuration, firmware, document, deployment_id),
            *(
                _upload(configuration, one.firmware, former=one.version, offered_as=one.offered_as)
                for one in former
            ),
            *_stream_steps(configuration, firmware),
        ),
        rounds=tuple(rounds),
        clean_up=configuration.clean_up,
        delay_seconds=0,
        waves=planned,
        closing=(
            end,
            *_verify_steps(
                configuration, things, is_searched=any(wave.group_name for wave in planned)
            ),
        ),
        verify=configuration.verify,
        open_days=waves.open_days,
        abort_wait_seconds=60.0 * configuration.abort_wait_minutes,
        image_version=configuration.reported_version or "",
        rolls_back=waves.rolls_back,
        prefers_recent=waves.prefers_recent,
        rollback_of=rollback_of,
        wave_things=tuple(names for _, names in dealt),
        comparison=comparison,
        excepted=() if comparison is None else tuple(sorted(excepted)),
    )


def _target_groups(targets: tuple[str, ...]) -> tuple[str, ...]:
    arns = map(Arn.parse, targets)
    return tuple(arn.resource_name for arn in arns if arn.resource_type == "thinggroup")


def _note_steps(configuration: DeploymentConfiguration, **fields: Any) -> tuple[NoteVersions, ...]:
    return () if configuration.verify is None else (NoteVersions(**fields),)


def _verify_steps(
    configuration: DeploymentConfiguration, things: int, *, is_searched: bool
) -> tuple[VerifyVersions, ...]:
    rule = configuration.verify
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


def _wave_group(wave: PlannedWave) -> tuple[CreateThingGroup, ...]:
    if not wave.group_name:
        return ()
    return (CreateThingGroup(group_name=wave.group_name, wave=wave.name),)


def _image_steps(
    configuration: DeploymentConfiguration, firmware: Firmware, document: str, deployment_id: str
) -> tuple[AnyStep, ...]:
    upload = _upload(
        configuration,
        firmware,
        offered_as=configuration.image_version or "",
        kept=configuration.rollback.keep_image,
    )
    if configuration.custom_document is None:
        return (upload,)
    return (
        upload,
        UploadJobDocument(
            bucket=configuration.bucket,
            object_key=f"job-documents/{deployment_id}/{configuration.job_id}.json",
            document=document,
        ),
    )


def _upload(configuration: DeploymentConfiguration, firmware: Firmware, **more: Any) -> UploadImage:
    return UploadImage(
        bucket=configuration.bucket,
        object_key=firmware.object_key,
        path=firmware.path,
        size_bytes=firmware.size_bytes,
        sha256=firmware.sha256,
        md5=firmware.md5,
        **more,
    )


def _group_steps(
    configuration: DeploymentConfiguration, targeting: Targeting, group_name: str
) -> tuple[AnyStep, ...]:
    if not targeting.gathered:
        return ()
    return (
        CreateThingGroup(group_name=group_name),
        AddThings(
            group_name=group_name,
            things=targeting.gathered,
            concurrency=configuration.upload_concurrency,
        ),
    )


def _alarm_steps(configuration: DeploymentConfiguration, job_id: str) -> tuple[AnyStep, ...]:
    return tuple(
        PutAlarm(name=deployed_alarm_name(job_id, alarm.name), alarm=alarm, job_id=job_id)
        for alarm in configuration.alarms
    )


def _stream_steps(
    configuration: DeploymentConfiguration, firmware: Firmware
) -> tuple[AnyStep, ...]:
    if not fits_a_stream(firmware):
        return ()
    return (
        CreateStream(
            stream_id=stream_id_of(configuration, firmware),
            file_id=file_id_of(firmware),
            bucket=configuration.bucket,
            object_key=firmware.object_key,
            role_arn=configuration.role_arn,
            tags=configuration.tags,
        ),
    )
