"""The ``afr_ota`` object of a job document, as AWS's FreeRTOS OTA agents parse it.

Those devices read it instead of otactl's own keys. In a custom document, its stream, file id, size
and signature are therefore checked against the deployment.

Names, types and required fields come from the agents' public sources: JL is
aws/Jobs-for-AWS-IoT-embedded-sdk ``source/otaJobParser/job_parser.c``, OL is
aws/ota-for-aws-iot-embedded-sdk ``source/ota.c`` and ``source/include/ota_private.h``.

| field | type | who requires it |
|---|---|---|
| protocols | list of ``MQTT``, ``HTTP`` | OL; JL reads only the first element, and treats any \
other value of 4 letters as HTTP |
| streamname | text of at most 44 characters | both for MQTT |
| files | list with one object | both |
| files[0].filepath, certfile | text | both |
| files[0].filesize, fileid | number that fits 32 bits; a string is refused | both |
| files[0].fileType | number | JL for HTTP |
| files[0].sig-sha256-ecdsa | base64 of DER | both |
| files[0].update_data_url, auth_scheme | text | both for HTTP |
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otactl.model.document_format import AfrOta, DataProtocol, DocumentFormat
from otactl.model.identifier import MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY, is_stream_id
from otactl.model.image import MAX_FILE_ID, Image
from otactl.wire.error import WireError

KEY = "afr_ota"
SIGNATURE_KEY = "sig-sha256-ecdsa"
AUTH_SCHEME = "aws.s3.presigned"
#: Both parsers store ``filesize`` in a ``uint32_t``.
MAX_FILE_SIZE = 2**32 - 1


def build_afr_ota(image: Image, device: AfrOta) -> dict[str, Any]:
    """The object for an image.

    Raises:
        WireError: The format cannot describe the image.
    """
    if image.signature is None:
        raise _refused("an afr_ota document needs a signature")
    if image.size_bytes > MAX_FILE_SIZE:
        raise _refused(
            f"the image has {image.size_bytes:,} bytes; afr_ota documents allow {MAX_FILE_SIZE:,}"
        )
    file: dict[str, Any] = {
        "filepath": device.file_path,
        "filesize": image.size_bytes,
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
        if image.url is None:
            raise _refused("afr_ota over HTTP needs a presigned URL")
        file |= {"update_data_url": image.url, "auth_scheme": AUTH_SCHEME}
    return {**update, "files": [file]}


def parse_afr_ota(document: Mapping[str, Any]) -> Image:
    """Read the object as strictly as the stricter of the two agents does.

    Only the first protocol is read, as in JL.

    Raises:
        WireError: A field is missing, or has a type that the agents refuse.
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
    return Image(
        size_bytes=size,
        file_id=_number(file, "fileid", MAX_FILE_ID),
        stream_id=stream_id,
        url=url,
        signature=decode_signature(_text(file, SIGNATURE_KEY), SIGNATURE_KEY),
        document_format=DocumentFormat.AFR_OTA,
    )


def decode_signature(text: Any, key: str) -> bytes:
    """The bytes of a signature in base64.

    Raises:
        WireError: It is not base64; the message names ``key``.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as error:  # binascii.Error, or a character outside ASCII
        raise WireError("InvalidRequest", f"{key} is not base64") from error


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


def afr_ota_faults(
    document: Mapping[str, Any],
    image: Image,
    is_signature: Callable[[bytes], bool] | None,
) -> Iterator[str]:
    """Where ``afr_ota`` contradicts the deployment; each text continues the document's name.

    Args:
        document: The custom document.
        image: The deployment's image.
        is_signature: Checks a signature of the image; None if there is no public key.
    """
    if KEY not in document:
        return
    update = document[KEY]
    files = update.get("files") if isinstance(update, dict) else None
    if not isinstance(files, list) or not files or not all(isinstance(f, dict) for f in files):
        yield f"has {KEY}, which must be an object with a list of files"
        return
    protocols = update.get("protocols")
    named = protocols if isinstance(protocols, list) else []
    if not {"MQTT", "HTTP"}.intersection(map(str, named)):
        yield f'has {KEY}.protocols {protocols!r}; devices support "MQTT" and "HTTP"'
    if "MQTT" in named and update.get("streamname") != image.stream_id:
        yield (
            f"has {KEY}.streamname {update.get('streamname')!r}; the stream is {image.stream_id!r}"
        )
    for number, file in enumerate(files):
        yield from _file_faults(f"{KEY}.files[{number}]", file, named, image, is_signature)


def _file_faults(
    location: str,
    file: Mapping[str, Any],
    protocols: list[Any],
    image: Image,
    is_signature: Callable[[bytes], bool] | None,
) -> Iterator[str]:
    size = file.get("filesize")
    if size != image.size_bytes:
        yield f"has {location}.filesize {size!r}; the image has {image.size_bytes} bytes"
    if "MQTT" in protocols and file.get("fileid") != image.file_id:
        yield f"has {location}.fileid {file.get('fileid')!r}; the file id is {image.file_id}"
    if "HTTP" in protocols and not file.get("update_data_url"):
        yield f"lacks {location}.update_data_url, the address for HTTP"
    for key, text in file.items():
        if key.startswith("sig-") and is_signature is not None:
            try:
                is_right = is_signature(decode_signature(text, key))
            except WireError:
                is_right = False
            if not is_right:
                yield f"has {location}.{key}, which is no signature of this image by the given key"
