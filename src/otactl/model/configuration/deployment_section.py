"""The sections about how an image reaches the devices, and how otactl calls AWS."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from otactl.model import limits
from otactl.model.configuration import words
from otactl.model.configuration.kind import Choice, ChoiceList, Switch, WholeNumber
from otactl.model.configuration.section import Section, key
from otactl.model.defaults import DEFAULT_UPLOAD_CONCURRENCY
from otactl.model.document_format import DataProtocol
from otactl.model.firmware import SignatureAlgorithm, SigningSource


class DocumentSource(StrEnum):
    """Where a custom job document comes from."""

    LOCAL_FILE = "local_file"
    URL = "url"


class CustomJobDocumentSection(Section):
    """[CUSTOM_JOB_DOCUMENT]: a document of the user's own, into which ours is merged."""

    source: Annotated[DocumentSource, Choice(DocumentSource)] = key(
        "jobDocSrcCfg",
        about=(
            "local_file: the document is the file jobDocPath. url: it is the S3 object "
            "jobDocSrcUrl. The image's own keys are merged in; the source is never changed."
        ),
        becomes="iot:CreateJob document",
        example="local_file",
    )
    url: Annotated[str | None, words.S3_URL] = key(
        "jobDocSrcUrl",
        about="The S3 object that holds the document, when jobDocSrcCfg = url.",
        becomes="s3:GetObject",
        default=None,
    )
    path: Annotated[str | None, words.PATH] = key(
        "jobDocPath",
        about="The local file that holds the document, when jobDocSrcCfg = local_file.",
        becomes="iot:CreateJob document",
        example="job_temp.json",
        default=None,
    )


class AfrOtaSection(Section):
    """[AFR_OTA_CONFIG]: what only the user knows of devices with a FreeRTOS OTA agent."""

    file_path: Annotated[str, words.DEVICE_NAME] = key(
        "filePath",
        about="Where the device stores the image; ports that write to a partition ignore it.",
        becomes="afr_ota.files[0].filepath of the job document",
        example="firmware.bin",
    )
    certificate_name: Annotated[str, words.DEVICE_NAME] = key(
        "certificateName",
        about=(
            "The path or label, on the device, of the certificate or public key that the signature "
            "is checked with; ports that compile it in ignore it."
        ),
        becomes="afr_ota.files[0].certfile of the job document",
        example="codesign.crt",
    )
    file_type: Annotated[int, WholeNumber(limits.FILE_TYPE)] = key(
        "fileType",
        about="What kind of file it is, for devices that update more than one part.",
        becomes="afr_ota.files[0].fileType of the job document",
        default=0,
    )
    protocols: Annotated[tuple[DataProtocol, ...], ChoiceList(DataProtocol)] = key(
        "protocols",
        about=(
            "How the image is delivered; AWS's Jobs library reads only the first of the list. "
            "HTTP needs usePresignedUrlConfig = True. Left out: HTTP with it, MQTT without."
        ),
        becomes="afr_ota.protocols of the job document",
        example="MQTT",
        default=(),
    )


class PresignedUrlSection(Section):
    """[PRESIGNED_URL_CONFIG]: download by HTTPS instead of by stream."""

    role_arn: Annotated[str | None, words.ROLE_ARN] = key(
        "roleArn",
        about=(
            "The role in whose name AWS IoT signs the download address. Left out, the roleArn of "
            "[DEFAULT] is used, as with configparser."
        ),
        becomes="iot:CreateJob presignedUrlConfig.roleArn",
        example="arn:aws:iam::<your_account>:role/<your_signing_role>",
        default=None,
    )
    expires_in_seconds: Annotated[int, WholeNumber(limits.PRESIGNED_URL_SECONDS, "seconds")] = key(
        "expiresInSec",
        about="How long a download address is valid, from the moment the device gets it.",
        becomes="iot:CreateJob presignedUrlConfig.expiresInSec",
        default=3600,
    )


class ImageSection(Section):
    """[IMAGE_CONFIG]: what else the job document says of the image."""

    image_version: Annotated[str | None, words.IMAGE_VERSION] = key(
        "imageVer",
        about=(
            "The version of the image, put into the job document unchanged. Left out: the version "
            "in the custom job document, else 1."
        ),
        becomes="imageVer of the job document",
        example="1.0.0",
        default=None,
    )
    include_sha256: Annotated[bool, Switch()] = key(
        "includeSha256",
        about="Whether the job document carries the SHA-256 of the image, besides md5sum.",
        becomes="sha256 of the job document",
        example="True",
        default=False,
    )


class SigningSection(Section):
    """[SIGNING_CONFIG]: a signature in the job document, in place of md5sum."""

    source: Annotated[SigningSource, Choice(SigningSource)] = key(
        "source",
        about=(
            "Who signs. key: otactl, with the file privateKeyPath. kms: AWS KMS, with kmsKey. "
            "signer: AWS Signer, with signingProfile; it needs a versioned bucket, into which the "
            "image is put for the time of signing. Each signature is verified before anything is "
            "created."
        ),
        becomes="who makes the signature",
        default=SigningSource.KEY,
    )
    private_key_path: Annotated[str | None, words.PATH] = key(
        "privateKeyPath",
        about=(
            "For key: the file with the private key, PEM (PKCS#8 or SEC1) or its base64 as main.sh "
            "takes it. Never write a key into this file itself: this file is uploaded and shared."
        ),
        becomes="signature of the job document",
        example="signing-key.pem",
        default=None,
    )
    kms_key: Annotated[str | None, words.KMS_KEY] = key(
        "kmsKey",
        about="For kms: an asymmetric key for signing, of the key spec ECC_NIST_P256.",
        becomes="kms:Sign KeyId",
        default=None,
    )
    signing_profile: Annotated[str | None, words.SIGNING_PROFILE] = key(
        "signingProfile",
        about=(
            "For signer: a profile of the platform AWSIoTDeviceManagement-SHA256-ECDSA, whose "
            "certificate is in AWS Certificate Manager."
        ),
        becomes="signer:StartSigningJob profileName",
        default=None,
    )
    algorithm: Annotated[SignatureAlgorithm, Choice(SignatureAlgorithm)] = key(
        "signatureAlgorithm",
        about="How the image is signed: ECDSA over its SHA-256.",
        becomes="signatureAlgorithm of the job document",
        default=SignatureAlgorithm.SHA256_WITH_ECDSA,
    )


class ApiSection(Section):
    """[API_CONFIG]: how many calls to AWS run at once, and how often one is retried."""

    upload_concurrency: Annotated[int, WholeNumber(limits.UPLOAD_CONCURRENCY)] = key(
        "uploadConcurrency",
        about=(
            "How many calls may run at once: parts of a large image, and things added "
            "to the job's own thing group."
        ),
        default=DEFAULT_UPLOAD_CONCURRENCY,
    )
    max_attempts: Annotated[int, WholeNumber(limits.MAX_ATTEMPTS)] = key(
        "maxAttempts",
        about=(
            "The most attempts of a call, the first included, when AWS throttles it, answers with "
            "a server error or cannot be reached."
        ),
        default=8,
    )
