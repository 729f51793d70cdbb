"""Everything that is looked at before anything is created.

A configuration that cannot work is refused here, with the reason, while the cloud is untouched: an
account or a region that contradicts the ARNs, a bucket that is not ours, a group that is empty, a
job id in use. What comes out is a plan.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otactl.deploy.consent import Consent
from otactl.deploy.document_check import document_faults
from otactl.deploy.eligibility import Choice, choose_things
from otactl.deploy.former_image import PlannedRollback, images_to_roll_back
from otactl.deploy.image_file import measure_image
from otactl.deploy.journal import Journal
from otactl.deploy.ownership import not_ours, owner
from otactl.deploy.plan import Plan
from otactl.deploy.plan_signing import STAND_IN
from otactl.deploy.planned_document import fits_a_stream, job_document, stream_id_of
from otactl.deploy.planner import PlanOptions, build_plan, build_wave_plan
from otactl.deploy.ports import Services
from otactl.deploy.request_check import check_account, check_size
from otactl.deploy.signing import is_signature_of, public_key_of, sign_image
from otactl.deploy.step import DeleteExistingJob
from otactl.deploy.targeting import MAX_JOB_TARGETS, Targeting, choose_targets, targets_digest
from otactl.deploy.wave_targeting import (
    Dealt,
    check_alarms,
    check_connectivity,
    deal_again,
    deal_waves,
)
from otactl.errors import AwsRefused, OtactlError, UserMistake
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.firmware import Firmware
from otactl.model.s3_url import parse_s3_url
from otactl.model.thing_list import ThingList
from otactl.wire.custom_document import DocumentFault, read_custom_document
from otactl.wire.job_document import MAX_JOB_DOCUMENT_LENGTH, signatures_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be deployed, as it was read from disk.

    Attributes:
        custom_document: The local custom job document; None when there is none, or it is in S3.
        account: The account of the credentials, twelve digits.
        force: Whether a job that has the id may be deleted even if otactl did not create it.
        excepted: The names of the things that ``exceptThings`` keeps out of every wave.
        journals: The earlier deployments of this machine, the newest first.
        rollback: Of a rollback, what it takes back to what; None for any other deployment.
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


def prepare(
    request: Request, services: Services, notify: Callable[[str], None] = lambda _sentence: None
) -> Plan:
    """Look at everything and make the plan.

    Args:
        request: What is deployed.
        services: The world.
        notify: Is given a sentence about what takes long.

    Raises:
        UserMistake: Something in the configuration cannot work; nothing was created.
        AwsRefused: AWS refused to be asked.
    """
    configuration = request.configuration
    firmware = _checked_image(request, services)
    signature = _signature(configuration, firmware)
    document = job_document(
        configuration,
        firmware,
        custom=_custom_document(request, services, firmware),
        signature=signature,
    )
    choice = _choice(request, services, notify)
    request = replace(request, thing_list=choice.thing_list)
    plan = _plan(request, services, firmware, document, choice)
    _check_stream(configuration, firmware, services)
    replacements = tuple(
        found
        for job_id in plan.job_ids
        if (found := _existing_job(request, services, job_id)) is not None
    )
    text = "" if signature is None else base64.b64encode(signature).decode()
    setup = (*replacements, *plan.setup)
    return plan.model_copy(
        update={
            "setup": setup,
            "signature": text,
            "left_out": choice.counts,
            "choice": choice,
        }
    )


def _choice(request: Request, services: Services, notify: Callable[[str], None]) -> Choice:
    try:
        return choose_things(
            request.configuration,
            request.thing_list,
            services,
            notify,
            excepted=request.excepted,
        )
    except AwsRefused as refusal:
        if not refusal.operation.endswith("Group"):
            raise
        raise _group_missing(request, refusal) from refusal


def _plan(
    request: Request, services: Services, firmware: Firmware, document: str, choice: Choice
) -> Plan:
    configuration, common = request.configuration, _common(request, document)
    if configuration.waves is None:
        return build_plan(configuration, firmware, _targets(request, services), **common)
    if request.rollback is not None:
        return _wave_plan(
            request, services, firmware, request.rollback.dealt, former={}, common=common
        )
    check_alarms(configuration.waves, services.alarms)
    check_connectivity(configuration.waves, services.thing_states)
    try:
        dealt = deal_waves(
            configuration.waves,
            request.thing_list,
            services.registry,
            excepted=request.excepted,
            image_sha256=firmware.sha256,
            recent=choice.recent,
        )
    except AwsRefused as refusal:
        raise _group_missing(request, refusal) from refusal
    return _wave_plan(request, services, firmware, dealt, former=choice.former, common=common)


def _wave_plan(
    request: Request,
    services: Services,
    firmware: Firmware,
    dealt: Dealt,
    *,
    former: Mapping[str, str | None],
    common: Mapping[str, Any],
) -> Plan:
    return build_wave_plan(
        request.configuration,
        firmware,
        dealt,
        excepted=request.excepted,
        former=images_to_roll_back(
            {name: former.get(name) for _, names in dealt for name in names},
            request.configuration,
            request.journals(),
            services.objects,
        ),
        rollback_of=request.rollback.deployment_id if request.rollback else "",
        **common,
    )


def _common(request: Request, document: str) -> dict[str, Any]:
    """What plans with and without waves are made of."""
    return {
        "deployment_id": request.deployment_id,
        "account": request.account,
        "document": document,
        "targets_sha256": targets_digest(request.thing_list),
        "options": request.options,
    }


def prepare_again(
    request: Request,
    services: Services,
    *,
    document: str,
    things: int,
    kept: Mapping[str, Sequence[str]],
    former: Mapping[str, str | None],
    recent: Collection[str] = (),
) -> Plan:
    """The plan that another process made of the same request, checked as a new one is.

    Args:
        request: What is deployed.
        services: The world.
        document: The job document of that plan, untrusted: it must be the one this request makes.
            Its signature is never the same twice, so it is verified instead.
        things: How many things that plan was for; the members of groups may have changed since.
        kept: Which things it has in which wave, untrusted; none without waves, and for a rollback,
            which says so itself.
        former: What each thing reported at that plan; untrusted: an image of the request's own
            files is found by it.
        recent: Which of them came first where things that were seen lately do.

    Raises:
        UserMistake: Something in the configuration cannot work, or the document is not its own.
        AwsRefused: AWS refused to be asked.
    """
    configuration, listed = request.configuration, request.thing_list
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
    common = _common(request, document)
    if request.rollback is not None:
        return _wave_plan(
            request, services, firmware, request.rollback.dealt, former={}, common=common
        )
    if configuration.waves is not None:
        waves, excepted, sha256 = configuration.waves, request.excepted, firmware.sha256
        dealt = deal_again(
            waves, listed, kept, excepted=excepted, image_sha256=sha256, recent=recent
        )
        return _wave_plan(request, services, firmware, dealt, former=former, common=common)
    gathers = len(listed.things) + len(listed.groups) > MAX_JOB_TARGETS
    targeting = Targeting(
        arns=listed.groups if gathers else (*listed.things, *listed.groups),
        gathered=len(listed.things) if gathers else 0,
        things=things if listed.groups else len(listed.things),
    )
    return build_plan(configuration, firmware, targeting, **common)


def _not_its_document(request: Request) -> UserMistake:
    return UserMistake(
        "the checkpoint's job document is not the one that"
        f" {request.configuration.file_name} makes",
        hint="somebody changed the checkpoint, or the document of jobDocSrcUrl; add it anew",
    )


def _checked_image(request: Request, services: Services) -> Firmware:
    """The image, in an account and a bucket that can work."""
    configuration = request.configuration
    check_account(configuration, request.thing_list, request.account)
    if request.rollback is not None:
        # Its file may be gone: then it lies in the bucket, by the digest in its name.
        firmware = request.rollback.image.firmware
    else:
        firmware = measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes)
    check_size(configuration, firmware)
    services.objects.check_bucket(
        configuration.bucket, owner=request.account, region=configuration.region
    )
    return firmware


def _custom_document(
    request: Request, services: Services, firmware: Firmware
) -> Mapping[str, Any] | None:
    """The custom document, which can work beside what the deployment adds to it."""
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


def _signature(configuration: DeploymentConfiguration, firmware: Firmware) -> bytes | None:
    if configuration.signing is None:
        return None
    path = configuration.signing.key_path
    return STAND_IN if path is None else sign_image(firmware.sha256, path)


def _targets(request: Request, services: Services) -> Targeting:
    try:
        return choose_targets(
            request.thing_list,
            services.registry,
            request.configuration.job.target_selection,
        )
    except AwsRefused as refusal:
        raise _group_missing(request, refusal) from refusal


def _group_missing(request: Request, refusal: AwsRefused) -> OtactlError:
    """What to say when a group cannot be listed: that it does not exist, or AWS's own words."""
    if not refusal.is_missing:
        return refusal
    where = request.thing_list.file_name
    if request.configuration.waves is not None:
        where += " or [WAVE_CONFIG]"
    return UserMistake(
        f"{where} names a thing group that does not exist: {refusal}",
        hint="`aws iot list-thing-groups` lists the groups",
    )


def _check_stream(
    configuration: DeploymentConfiguration, firmware: Firmware, services: Services
) -> None:
    stream_id = stream_id_of(configuration, firmware)
    found = services.streams.description(stream_id) if fits_a_stream(firmware) else None
    if found is not None:
        raise not_ours("stream", stream_id, found)


def _existing_job(request: Request, services: Services, job_id: str) -> DeleteExistingJob | None:
    """A job of that id: deleted when the user's own words allow it, refused otherwise."""
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
