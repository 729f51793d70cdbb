"""Everything that is checked before anything is created.

A configuration that cannot work is refused here, with the reason, while the cloud is unchanged: an
account or a region that contradicts the ARNs, a bucket of another account, a group that is empty, a
job id in use. The result is a plan.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from otactl.deploy.consent import Consent
from otactl.deploy.document_check import document_faults
from otactl.deploy.eligibility import Choice, choose_again, choose_things
from otactl.deploy.former_image import images_to_roll_back
from otactl.deploy.image_file import measure_image
from otactl.deploy.ownership import not_ours, owner
from otactl.deploy.plan import Plan
from otactl.deploy.planned_document import fits_a_stream, job_document, stream_id_of
from otactl.deploy.planner import Planner, Request
from otactl.deploy.ports import Services
from otactl.deploy.signing import STAND_IN, is_signature_of, public_key_of, sign_image
from otactl.deploy.step import DeleteExistingJob
from otactl.deploy.targeting import (
    Dealt,
    Targeting,
    check_alarms,
    check_connectivity,
    choose_targets,
    deal_again,
    deal_waves,
)
from otactl.errors import AwsRefused, UserMistake
from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.document_format import DataProtocol
from otactl.model.firmware import Firmware
from otactl.model.s3_url import parse_s3_url
from otactl.model.thing_list import ThingList
from otactl.model.wave import Waves
from otactl.wire.custom_document import DocumentFault, read_custom_document
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH, signatures_in
from otactl.wire.stream_payload import MAX_FILE_SIZE


def prepare(
    request: Request, services: Services, notify: Callable[[str], None] = lambda _sentence: None
) -> Plan:
    """Check everything and make the plan.

    Raises:
        UserMistake: Something in the configuration cannot work; nothing was created.
        AwsRefused: AWS refused a call.
    """
    configuration = request.configuration
    firmware = _checked_image(request, services)
    signature = None
    if configuration.signing is not None:
        path = configuration.signing.key_path
        signature = STAND_IN if path is None else sign_image(firmware.sha256, path)
    custom = _custom_document(request, services, firmware)
    document = job_document(configuration, firmware, custom=custom, signature=signature)
    try:
        choice = choose_things(
            configuration, request.thing_list, services, notify, excepted=request.excepted
        )
        request = replace(request, thing_list=choice.thing_list)
        plan = _plan(
            services,
            Planner(request, firmware, document),
            choice.former,
            target=lambda: choose_targets(
                choice.thing_list, services.registry, configuration.job.target_selection
            ),
            deal=lambda waves: _deal(services, waves, request, firmware, choice),
        )
    except AwsRefused as refusal:
        if not (refusal.is_missing and refusal.operation.endswith("Group")):
            raise
        raise _group_missing(request, refusal) from refusal
    stream_id = stream_id_of(configuration, firmware)
    found = services.streams.description(stream_id) if fits_a_stream(firmware) else None
    if found is not None:
        raise not_ours("stream", stream_id, found)
    replacements = (_existing_job(request, services, job_id) for job_id in plan.job_ids)
    return plan.model_copy(
        update={
            "setup": (*filter(None, replacements), *plan.setup),
            "signature": "" if signature is None else base64.b64encode(signature).decode(),
            "left_out": choice.counts,
            "choice": choice,
        }
    )


def _plan(
    services: Services,
    planner: Planner,
    former: Mapping[str, str | None],
    *,
    target: Callable[[], Targeting],
    deal: Callable[[Waves], Dealt],
) -> Plan:
    request, waves = planner.request, planner.configuration.waves
    if waves is None:
        return planner.plan(target())
    if request.rollback is not None:
        return planner.wave_plan(request.rollback.dealt)
    dealt = deal(waves)
    versions = {name: former.get(name) for _, names in dealt for name in names}
    images = images_to_roll_back(
        versions, request.configuration, request.journals(), services.objects
    )
    return planner.wave_plan(dealt, images)


def _deal(
    services: Services, waves: Waves, request: Request, firmware: Firmware, choice: Choice
) -> Dealt:
    check_alarms(waves, services.alarms)
    check_connectivity(waves, services.thing_states)
    return deal_waves(
        waves,
        choice.thing_list,
        services.registry,
        excepted=request.excepted,
        image_sha256=firmware.sha256,
        recent=choice.recent,
    )


def prepare_again(
    request: Request,
    services: Services,
    *,
    document: str,
    things: int,
    kept: Mapping[str, Sequence[str]],
    choice: Choice,
) -> Plan:
    """The plan that another process made of the same request, checked like a new one.

    Args:
        request: What is deployed.
        services: The ports.
        document: The job document of that plan, untrusted: it must be the one this request makes.
            Its signature differs each time, so it is verified instead.
        things: How many things that plan was for; the members of groups may have changed since.
        kept: Which things it has in which wave, untrusted; empty without waves, and for a
            rollback, whose request has them.
        choice: Which things got the image at that plan, and what each reported; untrusted: it only
            selects images among the request's own files.

    Raises:
        UserMistake: Something in the configuration cannot work, or the document is not its own.
        AwsRefused: AWS refused a call.
    """
    configuration, recent = request.configuration, choice.recent
    choice = choose_again(
        configuration,
        request.thing_list,
        choice.former,
        choice.left_out,
        excepted=request.excepted,
    )
    request = replace(request, thing_list=choice.thing_list)
    firmware = _checked_image(request, services)
    signature = None
    if configuration.signing is not None:
        key_path = configuration.signing.key_path
        if key_path is None:
            raise _not_its_document(request)
        key, found = public_key_of(key_path), signatures_in(document)
        signature = next((s for s in found if is_signature_of(s, firmware.sha256, key)), None)
        if signature is None:
            raise _not_its_document(request)
    custom = _custom_document(request, services, firmware)
    expected = job_document(configuration, firmware, custom=custom, signature=signature)
    if document != expected:
        raise _not_its_document(request)
    plan = _plan(
        services,
        Planner(request, firmware, document),
        choice.former,
        target=lambda: Targeting.of(choice.thing_list, things),
        deal=lambda waves: deal_again(
            waves,
            choice.thing_list,
            kept,
            excepted=request.excepted,
            image_sha256=firmware.sha256,
            recent=recent,
        ),
    )
    return plan.model_copy(update={"choice": choice})


def _not_its_document(request: Request) -> UserMistake:
    return UserMistake(
        "the checkpoint's job document is not the one that"
        f" {request.configuration.file_name} makes",
        hint="the checkpoint, or the document of jobDocSrcUrl, was changed; add it again",
    )


def _checked_image(request: Request, services: Services) -> Firmware:
    """The image, in an account and a bucket that can work."""
    configuration = request.configuration
    _check_account(configuration, request.thing_list, request.account)
    if request.rollback is not None:
        # Its file may be gone: then it is in the bucket, with the digest in its name.
        firmware = request.rollback.image.firmware
    else:
        firmware = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
    _check_size(configuration, firmware)
    services.objects.check_bucket(
        configuration.bucket, owner=request.account, region=configuration.region
    )
    return firmware


def _check_account(
    configuration: DeploymentConfiguration, thing_list: ThingList, account: str
) -> None:
    """Refuse roles and things of another account than the credentials', or of another region.

    Raises:
        UserMistake: There is one.
    """
    roles = {"roleArn in [DEFAULT]": configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles["roleArn in [PRESIGNED_URL_CONFIG]"] = configuration.job.presigned_url.role_arn
    for location, role_arn in roles.items():
        role_account = Arn.parse(role_arn).account
        if role_account != account:
            raise UserMistake(
                f"{configuration.file_name}: {location} is a role of account"
                f" {role_account}; the credentials are account {account}'s",
                hint="use --profile, or correct the ARN",
            )
    # One target is enough: the thing list was checked to have one account and region.
    for text in (*thing_list.things[:1], *thing_list.groups[:1]):
        arn = Arn.parse(text)
        if (arn.account, arn.region) != (account, configuration.region):
            raise UserMistake(
                f"{thing_list.file_name} names things of account {arn.account} in"
                f" {arn.region}; the deployment is in account {account},"
                f" {configuration.region}",
                hint="a job reaches things of its own account and region only",
            )


def _check_size(configuration: DeploymentConfiguration, firmware: Firmware) -> None:
    """Refuse an image that no stream can deliver where devices need a stream.

    Raises:
        UserMistake: It is too large.
    """
    needs_stream = configuration.job.presigned_url is None or (
        configuration.afr_ota is not None and DataProtocol.MQTT in configuration.afr_ota.protocols
    )
    if needs_stream and not fits_a_stream(firmware):
        raise UserMistake(
            f"the image {firmware.path} has {firmware.size_bytes:,} bytes;"
            f" a stream delivers files of up to {MAX_FILE_SIZE:,}",
            hint="usePresignedUrlConfig = True delivers larger ones over HTTPS",
        )


def _custom_document(
    request: Request, services: Services, firmware: Firmware
) -> Mapping[str, Any] | None:
    """The custom document, checked together with what the deployment adds to it."""
    custom = request.configuration.custom_document
    if custom is None or (custom.url is None and request.custom_document is None):
        return request.custom_document
    location = custom.url or custom.path or ""
    document, text = request.custom_document or {}, ""
    if custom.url is not None:
        text = _stored_document(request, services, custom.url)
        try:
            document = read_custom_document(text)
        except DocumentFault as fault:
            raise _document_refused(location, fault) from fault
    for found in document_faults(request.configuration, document, text, lambda: firmware):
        raise _document_refused(location, found)
    return document


def _document_refused(location: str, fault: DocumentFault) -> UserMistake:
    where = location if fault.line is None else f"{location}, line {fault.line}"
    return UserMistake(f"the custom job document {where} {fault}", hint=fault.hint)


def _stored_document(request: Request, services: Services, url: str) -> str:
    location = parse_s3_url(url)
    try:
        return services.objects.read_text(
            location.bucket, location.key, limit_bytes=MAX_JOB_DOCUMENT_LENGTH
        )
    except AwsRefused as refusal:
        if not refusal.is_missing:
            raise
        raise UserMistake(
            f"{request.configuration.file_name}: there is no custom job document {url}",
            hint="upload it, or correct jobDocSrcUrl in [CUSTOM_JOB_DOCUMENT]",
        ) from refusal


def _group_missing(request: Request, refusal: AwsRefused) -> UserMistake:
    where = request.thing_list.file_name
    if request.configuration.waves is not None:
        where += " or [WAVE_CONFIG]"
    return UserMistake(
        f"{where} names a thing group that does not exist: {refusal}",
        hint="`aws iot list-thing-groups` lists the groups",
    )


def _existing_job(request: Request, services: Services, job_id: str) -> DeleteExistingJob | None:
    """A job that has the id: deleted if the user's file or --force allows it, else refused."""
    found = services.jobs.describe(job_id)
    if found is None:
        return None
    consent = Consent.ENDED
    if request.force:
        consent = Consent.FORCE
        reason = "it has not ended; --force" if found.is_unfinished else "--force"
    elif (
        request.configuration.clean_up
        and owner(found.description) is not None
        and not found.is_unfinished
    ):
        reason = "otactl created it, it has ended, and cleanUpCfg = True"
    else:
        raise not_ours("job", job_id, found.description)
    return DeleteExistingJob(
        job_id=job_id,
        created_at_ms=found.created_at_ms,
        reason=reason,
        consent=consent,
        is_of_wave=request.configuration.waves is not None,
    )
