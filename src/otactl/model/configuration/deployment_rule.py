"""What the keys that say what is deployed, to whom and where require of each other."""

from __future__ import annotations

from otactl.errors.problem import Severity
from otactl.model.arn import Arn, partition_of
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, keys
from otactl.model.document_format import DataProtocol, DocumentFormat
from otactl.model.identifier import MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY
from otactl.model.signing import SigningSource
from otactl.model.status import TargetSelection


def rounds_need_clean_up(rounds: int, clean_up: bool) -> Finding | None:  # noqa: FBT001  # a value of the file
    """The manual: rounds > 1 needs cleanUpCfg = True; the next round uses the same job id."""
    if rounds > 1 and not clean_up:
        return Finding(
            code="requires",
            message=f"{rounds} rounds need cleanUpCfg = True, found False",
            hint="every round uses the same job id, which is free again only after clean-up",
        )
    return None


def continuous_has_one_round(selection: TargetSelection, rounds: int) -> Finding | None:
    """A CONTINUOUS job never completes (facts A3, M5), so no second round can begin."""
    if selection is TargetSelection.CONTINUOUS and rounds > 1:
        return Finding(
            code="requires",
            message=f"a CONTINUOUS job never completes, so there can be no {rounds} rounds of it",
            hint="write rounds = 1, or targetSelection = SNAPSHOT",
        )
    return None


def stream_id_fits_devices(stream_id: str, formats: tuple[DocumentFormat, ...]) -> Finding | None:
    """AWS's embedded libraries keep 44 bytes for a stream's name (facts G5)."""
    longest = MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY - len("_255")
    if len(stream_id) > longest and DocumentFormat.AFR_OTA in formats:
        return Finding(
            code="long-stream-id",
            message=(
                f"has {len(stream_id)} characters; documents of the format afr_ota take {longest}, "
                f"the file's id not counted: the agents keep {MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY}"
            ),
        )
    if len(stream_id) > longest:
        return Finding(
            code="long-stream-id",
            message=(
                f"has {len(stream_id)} characters; devices built on AWS's embedded library can "
                f"use {longest}, the file's id not counted"
            ),
            hint="shorten it, unless your devices are built otherwise",
            severity=Severity.WARNING,
        )
    return None


def role_is_of_the_partition(role_arn: str, region: str) -> Finding | None:
    """A role of one partition (aws, aws-cn, …) does not exist in another."""
    found, wanted = Arn.parse(role_arn).partition, partition_of(region)
    if found != wanted:
        return Finding(
            code="partition",
            message=f"is a role of the partition {found}, but {region} belongs to {wanted}",
        )
    return None


def roles_share_an_account(signing_role: str | None, stream_role: str) -> Finding | None:
    """A role can be passed within its own account alone (IAM PassRole)."""
    if signing_role is None:
        return Finding(
            code="inherited",
            message="is not given; the roleArn of [DEFAULT] is used",
            severity=Severity.NOTE,
        )
    found, wanted = Arn.parse(signing_role).account, Arn.parse(stream_role).account
    if found != wanted:
        return Finding(
            code="account",
            message=f"is a role of account {found}, but the roleArn of [DEFAULT] is of {wanted}",
            hint="a role can be passed to AWS IoT only within its own account",
        )
    return None


def document_is_there(source: DocumentSource, url: str | None, path: str | None) -> Finding | None:
    """Each source of a custom document needs its own key."""
    if source is DocumentSource.LOCAL_FILE and path is None:
        return Finding(code="requires", message="local_file needs jobDocPath, which is not given")
    if source is DocumentSource.URL and url is None:
        return Finding(code="requires", message="url needs jobDocSrcUrl, which is not given")
    return None


def agents_need_a_signature(
    formats: tuple[DocumentFormat, ...],
    signs: bool,  # noqa: FBT001  # a value of the file
) -> Finding | None:
    """Both parsers refuse a document without ``sig-sha256-ecdsa`` (docs/documents.md)."""
    if DocumentFormat.AFR_OTA in formats and not signs:
        return Finding(
            code="requires",
            message="afr_ota needs useSigningConfig = True: the agents refuse an unsigned image",
        )
    return None


def signing_has_its_key(
    source: SigningSource, path: str | None, kms_key: str | None, profile: str | None
) -> Finding | None:
    """Each source of a signature needs its own key."""
    wanted = {
        SigningSource.KEY: ("privateKeyPath", path),
        SigningSource.KMS: ("kmsKey", kms_key),
        SigningSource.SIGNER: ("signingProfile", profile),
    }
    name, value = wanted[source]
    if value is None:
        return Finding(code="requires", message=f"{source} needs {name}, which is not given")
    return None


def kms_key_is_of_the_region(kms_key: str | None, region: str) -> Finding | None:
    """KMS signs in the region of its key (KMS Developer Guide, key ARN)."""
    found = kms_key.split(":")[3] if kms_key is not None and kms_key.startswith("arn:") else region
    if found != region:
        return Finding(
            code="region",
            message=f"is a key of {found}, but the deployment is in {region}",
            hint="use a key of the region, or a replica of it there",
        )
    return None


def http_needs_a_url(
    protocols: tuple[DataProtocol, ...],
    presigns: bool,  # noqa: FBT001
) -> Finding | None:
    """``update_data_url`` is a presigned URL."""
    if DataProtocol.HTTP in protocols and not presigns:
        return Finding(code="requires", message="HTTP needs usePresignedUrlConfig = True")
    return None


def afr_ota_rules(present: frozenset[str]) -> tuple[Rule, ...]:
    """What needs to know which sections there are: those in ``present``."""

    def agents_need_their_section(formats: tuple[DocumentFormat, ...]) -> Finding | None:
        if DocumentFormat.AFR_OTA in formats and "AFR_OTA_CONFIG" not in present:
            return Finding(
                code="missing-section",
                message="afr_ota needs a section [AFR_OTA_CONFIG], and there is none",
                hint="add it with filePath and certificateName",
            )
        return None

    return (Rule(keys("DEFAULT.documentFormat"), agents_need_their_section),)


DEPLOYMENT_RULES: tuple[Rule, ...] = (
    Rule(keys("DEFAULT.rounds", "DEFAULT.cleanUpCfg"), rounds_need_clean_up),
    Rule(keys("DEFAULT.targetSelection", "DEFAULT.rounds"), continuous_has_one_round),
    Rule(keys("DEFAULT.streamId", "DEFAULT.documentFormat"), stream_id_fits_devices),
    Rule(keys("DEFAULT.documentFormat", "DEFAULT.useSigningConfig"), agents_need_a_signature),
    Rule(
        keys(
            "SIGNING_CONFIG.source",
            "SIGNING_CONFIG.privateKeyPath",
            "SIGNING_CONFIG.kmsKey",
            "SIGNING_CONFIG.signingProfile",
        ),
        signing_has_its_key,
    ),
    Rule(keys("SIGNING_CONFIG.kmsKey", "DEFAULT.region"), kms_key_is_of_the_region),
    Rule(keys("AFR_OTA_CONFIG.protocols", "DEFAULT.usePresignedUrlConfig"), http_needs_a_url),
    Rule(keys("DEFAULT.roleArn", "DEFAULT.region"), role_is_of_the_partition),
    Rule(keys("PRESIGNED_URL_CONFIG.roleArn", "DEFAULT.roleArn"), roles_share_an_account),
    Rule(
        keys(
            "CUSTOM_JOB_DOCUMENT.jobDocSrcCfg",
            "CUSTOM_JOB_DOCUMENT.jobDocSrcUrl",
            "CUSTOM_JOB_DOCUMENT.jobDocPath",
        ),
        document_is_there,
    ),
)
