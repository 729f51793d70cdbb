"""What the keys about the image, the targets and the account require of each other."""

from __future__ import annotations

from otactl.errors.problem import Severity
from otactl.model.arn import Arn, partition_of
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.configuration.report import Finding, Rule, forbid, keys
from otactl.model.document_format import DataProtocol, DocumentFormat
from otactl.model.firmware import SigningSource
from otactl.model.identifier import MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY
from otactl.model.status import TargetSelection


def _stream_id_fits_devices(stream_id: str, formats: tuple[DocumentFormat, ...]) -> Finding | None:
    """AWS's embedded libraries keep 44 bytes for a stream's name (facts G5)."""
    longest = MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY - len("_255")
    if len(stream_id) <= longest:
        return None
    if DocumentFormat.AFR_OTA in formats:
        return Finding(
            "long-stream-id",
            f"has {len(stream_id)} characters; documents of the format afr_ota take {longest}, "
            f"the file's id not counted: the agents keep {MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY}",
        )
    return Finding(
        "long-stream-id",
        f"has {len(stream_id)} characters; devices built on AWS's embedded library can "
        f"use {longest}, the file's id not counted",
        hint="shorten it, unless your devices are built otherwise",
        severity=Severity.WARNING,
    )


def _role_is_of_the_partition(role_arn: str, region: str) -> Finding | None:
    """A role of one partition (aws, aws-cn, …) does not exist in another."""
    found, wanted = Arn.parse(role_arn).partition, partition_of(region)
    if found == wanted:
        return None
    return Finding(
        "partition", f"is a role of the partition {found}, but {region} belongs to {wanted}"
    )


def _roles_share_an_account(signing_role: str | None, stream_role: str) -> Finding | None:
    """A role can be passed only within its own account (IAM PassRole)."""
    if signing_role is None:
        message = "is not given; the roleArn of [DEFAULT] is used"
        return Finding("inherited", message, severity=Severity.NOTE)
    found, wanted = Arn.parse(signing_role).account, Arn.parse(stream_role).account
    if found == wanted:
        return None
    return Finding(
        "account",
        f"is a role of account {found}, but the roleArn of [DEFAULT] is of {wanted}",
        hint="a role can be passed to AWS IoT only within its own account",
    )


def _source_has_its_key(source: DocumentSource | SigningSource, **of: str | None) -> Finding | None:
    """Each source, of a custom document or of a signature, needs its own key."""
    needed = {
        DocumentSource.LOCAL_FILE: "jobDocPath",
        DocumentSource.URL: "jobDocSrcUrl",
        SigningSource.KEY: "privateKeyPath",
        SigningSource.KMS: "kmsKey",
        SigningSource.SIGNER: "signingProfile",
    }[source]
    if of[needed] is not None:
        return None
    return Finding("requires", f"{source} needs {needed}, which is not given")


def _kms_key_is_of_the_region(kms_key: str | None, region: str) -> Finding | None:
    """KMS signs in the region of its key (KMS Developer Guide, key ARN)."""
    found = kms_key.split(":")[3] if kms_key is not None and kms_key.startswith("arn:") else region
    if found == region:
        return None
    return Finding(
        "region",
        f"is a key of {found}, but the deployment is in {region}",
        hint="use a key of the region, or a replica of it there",
    )


def afr_ota_rules(present: frozenset[str]) -> tuple[Rule, ...]:
    """The rules that depend on which sections exist: those in ``present``."""
    return (
        forbid(
            keys("DEFAULT.documentFormat"),
            lambda formats: DocumentFormat.AFR_OTA in formats and "AFR_OTA_CONFIG" not in present,
            "afr_ota needs a section [AFR_OTA_CONFIG], and there is none",
            hint="add it with filePath and certificateName",
            code="missing-section",
        ),
    )


DEPLOYMENT_RULES: tuple[Rule, ...] = (
    forbid(
        keys("DEFAULT.rounds", "DEFAULT.cleanUpCfg"),
        lambda rounds, clean_up: rounds > 1 and not clean_up,
        "{0} rounds need cleanUpCfg = True, found False",
        hint="every round uses the same job id, which is free again only after clean-up",
    ),
    # A CONTINUOUS job never completes (facts A3, M5), so no second round can begin.
    forbid(
        keys("DEFAULT.targetSelection", "DEFAULT.rounds"),
        lambda selection, rounds: selection is TargetSelection.CONTINUOUS and rounds > 1,
        "a CONTINUOUS job never completes, so there can be no {1} rounds of it",
        hint="write rounds = 1, or targetSelection = SNAPSHOT",
    ),
    Rule(keys("DEFAULT.streamId", "DEFAULT.documentFormat"), _stream_id_fits_devices),
    # Both parsers refuse a document without ``sig-sha256-ecdsa`` (docs/documents.md).
    forbid(
        keys("DEFAULT.documentFormat", "DEFAULT.useSigningConfig"),
        lambda formats, signs: DocumentFormat.AFR_OTA in formats and not signs,
        "afr_ota needs useSigningConfig = True: the agents refuse an unsigned image",
    ),
    Rule(
        keys(
            "SIGNING_CONFIG.source",
            "SIGNING_CONFIG.privateKeyPath",
            "SIGNING_CONFIG.kmsKey",
            "SIGNING_CONFIG.signingProfile",
        ),
        lambda source, path, kms_key, profile: _source_has_its_key(
            source, privateKeyPath=path, kmsKey=kms_key, signingProfile=profile
        ),
    ),
    Rule(keys("SIGNING_CONFIG.kmsKey", "DEFAULT.region"), _kms_key_is_of_the_region),
    # ``update_data_url`` is a presigned URL.
    forbid(
        keys("AFR_OTA_CONFIG.protocols", "DEFAULT.usePresignedUrlConfig"),
        lambda protocols, presigns: DataProtocol.HTTP in protocols and not presigns,
        "HTTP needs usePresignedUrlConfig = True",
    ),
    Rule(keys("DEFAULT.roleArn", "DEFAULT.region"), _role_is_of_the_partition),
    Rule(keys("PRESIGNED_URL_CONFIG.roleArn", "DEFAULT.roleArn"), _roles_share_an_account),
    Rule(
        keys(
            "CUSTOM_JOB_DOCUMENT.jobDocSrcCfg",
            "CUSTOM_JOB_DOCUMENT.jobDocSrcUrl",
            "CUSTOM_JOB_DOCUMENT.jobDocPath",
        ),
        lambda source, url, path: _source_has_its_key(source, jobDocSrcUrl=url, jobDocPath=path),
    ),
)
