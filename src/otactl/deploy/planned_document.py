"""The job document of a plan: the image's description, its stream, and the user's own document."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from otactl.errors import UserMistake
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.firmware import Firmware
from otactl.model.image import MAX_FILE_ID, Image
from otactl.wire.error import WireError
from otactl.wire.job_document import (
    DEFAULT_IMAGE_VERSION,
    build_document,
    encode_document,
    presigned_url_placeholder,
)
from otactl.wire.placeholder import (
    fill_image_values,
    has_image_values,
)
from otactl.wire.stream_payload import MAX_FILE_SIZE


def file_id_of(firmware: Firmware) -> int:
    """The stream file id of an image: the first byte of its digest.

    Any number from 0 to 255 is valid (the manual: "any_integer_between_0_to_255"); this one is
    always the same for the same image, and usually differs for another image.
    """
    file_id = int(firmware.sha256[:2], 16)
    assert file_id <= MAX_FILE_ID  # noqa: S101 - a byte
    return file_id


def fits_a_stream(firmware: Firmware) -> bool:
    """Whether a stream can deliver it; a larger image needs a presigned URL."""
    return firmware.size_bytes <= MAX_FILE_SIZE


def stream_id_of(configuration: DeploymentConfiguration, firmware: Firmware) -> str:
    """The stream's id: the configured one and the file id, as in the manual's ``…_35``."""
    return configuration.stream_name(file_id_of(firmware))


def job_document(
    configuration: DeploymentConfiguration,
    firmware: Firmware,
    *,
    custom: Mapping[str, Any] | None,
    signature: bytes | None,
) -> str:
    """The document of the job, merged into the custom one if there is one.

    Raises:
        UserMistake: It is longer than AWS accepts, or a format cannot express it.
    """
    try:
        if custom is not None and has_image_values(custom):
            values = image_values(configuration, firmware, signature=signature)
            return encode_document(fill_image_values(custom, values))
        document = build_document(
            image_description(configuration, firmware, custom=custom, signature=signature),
            custom,
            formats=configuration.document_formats,
            afr_ota=configuration.afr_ota,
        )
        return encode_document(document)
    except WireError as error:
        raise UserMistake(str(error)) from error


def image_values(
    configuration: DeploymentConfiguration, firmware: Firmware, *, signature: bytes | None
) -> dict[str, str | int | None]:
    """The values of a custom document's placeholders; None for a value that does not exist."""
    image = image_description(configuration, firmware, custom=None, signature=signature)
    return {
        "streamId": image.stream_id,
        "fileId": image.file_id,
        "fileSize": image.size_bytes,
        "md5": firmware.md5,
        "sha256": firmware.sha256,
        "signature": None if signature is None else base64.b64encode(signature).decode(),
        "url": image.url,
        "imageVer": image.version,
        "bucket": configuration.bucket,
        "objectKey": firmware.object_key,
    }


def image_description(
    configuration: DeploymentConfiguration,
    firmware: Firmware,
    *,
    custom: Mapping[str, Any] | None,
    signature: bytes | None,
) -> Image:
    """The image as the job document describes it."""
    presigned = None
    if configuration.job.presigned_url is not None:
        presigned = presigned_url_placeholder(
            configuration.region, configuration.bucket, firmware.object_key
        )
    return Image(
        stream_id=stream_id_of(configuration, firmware) if fits_a_stream(firmware) else None,
        file_id=file_id_of(firmware),
        size_bytes=firmware.size_bytes,
        # The manual's documents always have ``imageVer``; a custom document's own is kept.
        version=configuration.image_version
        or (None if "imageVer" in (custom or {}) else DEFAULT_IMAGE_VERSION),
        # As in the manual's shell chapter: a signature replaces the MD5.
        md5=None if signature else firmware.md5,
        sha256=firmware.sha256 if configuration.include_sha256 else None,
        signature=signature,
        url=presigned,
    )
