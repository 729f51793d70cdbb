"""The ``afr_ota`` object of a job document, as AWS's FreeRTOS OTA agents parse it.

Names, types and what is required were read in the agents' public sources: JL is
aws/Jobs-for-AWS-IoT-embedded-sdk ``source/otaJobParser/job_parser.c``, OL is
aws/ota-for-aws-iot-embedded-sdk ``source/ota.c`` and ``source/include/ota_private.h``.

| field | type | who requires it |
|---|---|---|
| protocols | list of ``MQTT``, ``HTTP`` | OL; JL reads the first element alone, and takes what is \
not ``MQTT`` and has 4 letters for HTTP |
| streamname | text of at most 44 characters | both for MQTT |
| files | list with one object | both |
| files[0].filepath, certfile | text | both |
| files[0].filesize, fileid | number that fits 32 bits; a text is refused | both |
| files[0].fileType | number | JL for HTTP |
| files[0].sig-sha256-ecdsa | base64 of DER | both |
| files[0].update_data_url, auth_scheme | text | both for HTTP |
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from otactl.model.document_format import AfrOta, DataProtocol, DocumentFormat
from otactl.model.identifier import MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY, is_stream_id
from otactl.wire.error import WireError
from otactl.wire.image_value import MAX_FILE_ID, ImageDescription

KEY = "afr_ota"
SIGNATURE_KEY = "sig-sha256-ecdsa"
AUTH_SCHEME = "aws.s3.presigned"
#: ``filesize`` goes into a ``uint32_t`` in both parsers.
MAX_FILE_SIZE = 2**32 - 1


def build_afr_ota(image: ImageDescription, device: AfrOta) -> dict[str, Any]:
    """The object for an image.

    Raises:
        WireError: The image cannot be said in it.
    """
    if image.signature is None:
        raise _refused("an afr_ota document needs a signature")
    if image.file_size > MAX_FILE_SIZE:
        raise _refused(
            f"the image has {image.file_size:,} bytes; afr_ota documents can say {MAX_FILE_SIZE:,}"
        )
    file: dict[str, Any] = {
        "filepath": device.file_path,
        "filesize": image.file_size,
        "fileid": image.file_id,
        "certfile": device.certificate_name,
        "fileType": device.file_type,
        SIGNATURE_KEY: base64.b64encode(image.signature).decode(),
    }
    update: dict[str, Any] = {"protocols": [str(protocol) for protocol in device.protocols]}
    if DataProtocol.MQTT in device.protocols:
        if image.stream_id is None or len(image.stream_id) > MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY:
            raise _refused("afr_ota over MQTT needs a stream id of at most 44 characters")
        update["streamname"] = image.stream_id
    if DataProtocol.HTTP in device.protocols:
        if image.presigned_url is None:
            raise _refused("afr_ota over HTTP needs a presigned URL")
        file |= {"update_data_url": image.presigned_url, "auth_scheme": AUTH_SCHEME}
    return {**update, "files": [file]}


def parse_afr_ota(document: Mapping[str, Any]) -> ImageDescription:
    """Read the object as strictly as the stricter of the two agents does.

    The first protocol counts, as for JL.

    Raises:
        WireError: A field is missing, or of another type than the agents take.
    """
    update = document.get(KEY)
    files = update.get("files") if isinstance(update, dict) else None
    if not isinstance(update, dict) or not isinstance(files, list) or not files:
        raise _refused("afr_ota is no object with a list of files")
    file = files[0]
    if not isinstance(file, dict):
        raise _refused("afr_ota.files[0] is no object")
    _text(file, "filepath")
    _text(file, "certfile")
    protocols = update.get("protocols")
    protocol = protocols[0] if isinstance(protocols, list) and protocols else None
    stream_id = url = None
    if protocol == DataProtocol.MQTT:
        stream_id = _text(update, "streamname")
        if not is_stream_id(stream_id) or len(stream_id) > MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY:
            raise _refused("afr_ota.streamname is no stream id of at most 44 characters")
    elif protocol == DataProtocol.HTTP:
        _number(file, "fileType", MAX_FILE_SIZE)
        _text(file, "auth_scheme")
        url = _text(file, "update_data_url")
    else:
        raise _refused("afr_ota.protocols begins with neither MQTT nor HTTP")
    size = _number(file, "filesize", MAX_FILE_SIZE)
    if not size:
        raise _refused("afr_ota.files[0].filesize is 0")
    return ImageDescription(
        file_size=size,
        file_id=_number(file, "fileid", MAX_FILE_ID),
        stream_id=stream_id,
        presigned_url=url,
        signature=_signature(file),
        document_format=DocumentFormat.AFR_OTA,
    )


def _refused(message: str) -> WireError:
    return WireError("InvalidRequest", message)


def _text(fields: Mapping[str, Any], key: str) -> str:
    text = fields.get(key)
    if not isinstance(text, str) or not text:
        raise _refused(f"{key} is missing in afr_ota, or no text")
    return text


def _number(fields: Mapping[str, Any], key: str, maximum: int) -> int:
    number = fields.get(key)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= maximum:
        raise _refused(f"{key} is missing in afr_ota, or no number in range")
    return number


def _signature(file: Mapping[str, Any]) -> bytes:
    text = _text(file, SIGNATURE_KEY)
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _refused(f"{SIGNATURE_KEY} is not base64") from error
