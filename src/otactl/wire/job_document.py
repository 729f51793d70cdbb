"""The job document: what a thing installs.

The manual's form is ``{"command": "fota", "streamId", "fileId", "fileSize", "imageVer",
"md5sum"}``, which is the format ``otactl``; the module ``afr_ota`` writes the other format. If
configured, otactl adds ``sha256``, ``signature`` with its algorithm (instead of ``md5sum``), and
``presignedUrl``. A custom document keeps its own keys; ours are merged in.

The algorithm is written twice: devices of the sample tool read ``signatureAlgorithm``, those of
earlier versions of otactl ``sigAlgorithm``. Our devices accept either.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from otactl.model.arn import domain_of
from otactl.model.document_format import AfrOta, DocumentFormat
from otactl.model.identifier import is_stream_id
from otactl.model.image import MAX_FILE_ID, SIGNATURE_ALGORITHM, Image
from otactl.wire.afr_ota import KEY as AFR_OTA
from otactl.wire.afr_ota import build_afr_ota, decode_signature, parse_afr_ota
from otactl.wire.error import WireError
from otactl.wire.job_payload import whole_number
from otactl.wire.placeholder import read_image_values

COMMAND = "fota"
OWN_URL_KEY = "presignedUrl"
#: The manual's documents have this key, so devices may rely on it.
DEFAULT_IMAGE_VERSION = "1"
#: The keys that name the algorithm: the sample tool's, and that of earlier versions of otactl.
_ALGORITHM_KEYS = ("signatureAlgorithm", "sigAlgorithm")
#: CreateJob's limit on the document (botocore ``iot`` JobDocument), in characters.
MAX_JOB_DOCUMENT_LENGTH = 32768
#: Base64 of a DER signature by a key of 192 bits or more.
_SIGNATURE_TEXT = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
#: The keys of placeholder values in otactl's own format, where they differ.
_OWN_NAMES = {"url": OWN_URL_KEY, "md5": "md5sum"}


def presigned_url_placeholder(region: str, bucket: str, key: str) -> str:
    """What IoT Jobs replaces by a presigned URL on delivery (guide: create-manage-jobs).

    Special characters of the key, such as a space, are percent-encoded.
    """
    path = quote(f"{bucket}/{key}")
    return f"${{aws:iot:s3-presigned-url:https://s3.{region}.{domain_of(region)}/{path}}}"


def build_document(
    image: Image,
    custom: Mapping[str, Any] | None = None,
    *,
    formats: Container[DocumentFormat] = (DocumentFormat.OTACTL,),
    afr_ota: AfrOta | None = None,
) -> dict[str, Any]:
    """The document for an image, merged into a custom one; the image's own keys win.

    Args:
        image: The image.
        custom: The user's own keys.
        formats: The formats to write; one document can hold both.
        afr_ota: The other fields of the format ``afr_ota``.

    Raises:
        WireError: A format cannot describe the image.
    """
    document = dict(custom or {})
    if DocumentFormat.OTACTL in formats:
        document |= _own_keys(image)
    if DocumentFormat.AFR_OTA in formats and afr_ota is not None:
        document[AFR_OTA] = build_afr_ota(image, afr_ota)
    return document


def _own_keys(image: Image) -> dict[str, Any]:
    signature = None
    if image.signature is not None:
        signature = base64.b64encode(image.signature).decode()
    ours = {
        "command": COMMAND,
        "streamId": image.stream_id,
        "fileId": image.file_id,
        "fileSize": image.size_bytes,
        "imageVer": image.version,
        "md5sum": image.md5,
        "sha256": image.sha256,
        **dict.fromkeys(_ALGORITHM_KEYS, image.signature_algorithm if signature else None),
        "signature": signature,
        OWN_URL_KEY: image.url,
    }
    return {key: field for key, field in ours.items() if field is not None}


def encode_document(document: Mapping[str, Any]) -> str:
    """The document as text for CreateJob.

    Raises:
        WireError: It is longer than ``MAX_JOB_DOCUMENT_LENGTH``.
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    if len(text) > MAX_JOB_DOCUMENT_LENGTH:
        raise WireError(
            "InvalidRequest",
            f"the job document has {len(text)} characters; AWS takes {MAX_JOB_DOCUMENT_LENGTH}:"
            " shorten the custom one",
        )
    return text


def signatures_in(text: str) -> Iterator[bytes]:
    """Everything in a document that may be a signature, under any key.

    Args:
        text: JSON, untrusted, at most ``MAX_JOB_DOCUMENT_LENGTH`` characters.
    """
    for found in dict.fromkeys(_SIGNATURE_TEXT.findall(text.replace("\\/", "/"))):
        with suppress(ValueError):
            yield base64.b64decode(found, validate=True)


def has_own_dialect(document: Mapping[str, Any]) -> bool:
    """Whether a document, or its template, is in one of otactl's formats."""
    return document.get("command") == COMMAND or AFR_OTA in document


def parse_custom_document(document: Mapping[str, Any], template: Mapping[str, Any]) -> Image:
    """Read a document of a user's own form, by the placeholders in its template.

    Raises:
        WireError: A value that a device needs to fetch the image is missing or malformed.
    """
    values = read_image_values(template, document)
    own = {_OWN_NAMES.get(name, name): value for name, value in values}
    missing = None
    if "fileSize" not in own:
        missing = "${otactl:fileSize}"
    elif "streamId" not in own and OWN_URL_KEY not in own:
        missing = "${otactl:streamId} or ${otactl:url}"
    elif "streamId" in own and "fileId" not in own and OWN_URL_KEY not in own:
        missing = "${otactl:fileId}"
    if missing is not None:
        raise WireError("InvalidRequest", f"no device could use the document: it lacks {missing}")
    image = parse_document({"command": COMMAND, **own}, DocumentFormat.OTACTL)
    return replace(image, proves_itself=True)


def parse_document(document: Mapping[str, Any], reads: DocumentFormat | None = None) -> Image:
    """Read the document as a device does; its values are untrusted.

    Args:
        document: The document.
        reads: The only format the device supports; None for either, otactl's first.

    Raises:
        WireError: It has another format, or a field is missing or malformed.
    """
    has_command = document.get("command") == COMMAND
    if reads is DocumentFormat.AFR_OTA or (reads is None and not has_command):
        if AFR_OTA in document:
            return parse_afr_ota(document)
        if reads is not None:
            raise WireError("InvalidRequest", "the document has no afr_ota object")
    if document.get("command") != COMMAND:
        raise WireError("InvalidRequest", f"unknown command {document.get('command')!r}")
    image = Image(
        size_bytes=_whole(document, "fileSize", minimum=1),
        file_id=_whole(document, "fileId", minimum=0, maximum=MAX_FILE_ID, default=0),
        stream_id=_stream_id(document),
        version=_text(document, "imageVer"),
        md5=_digest(document, "md5sum", 32),
        sha256=_digest(document, "sha256", 64),
        signature=_signature(document),
        signature_algorithm=_signature_algorithm(document),
        url=_text(document, "presignedUrl"),
    )
    if image.stream_id is None and image.url is None:
        raise WireError("InvalidRequest", "the document names neither streamId nor presignedUrl")
    return image


def _whole(
    document: Mapping[str, Any],
    key: str,
    *,
    minimum: int,
    maximum: int | None = None,
    default: int | None = None,
) -> int:
    number = whole_number(document.get(key, default))
    if number is None or number < minimum or (maximum is not None and number > maximum):
        raise WireError("InvalidRequest", f"{key} is missing or no number in range")
    return number


def _stream_id(document: Mapping[str, Any]) -> str | None:
    """The stream's id, validated because it becomes a level of a topic."""
    stream_id = _text(document, "streamId")
    if stream_id is not None and not is_stream_id(stream_id):
        raise WireError("InvalidRequest", "streamId is no stream id")
    return stream_id


def _text(document: Mapping[str, Any], key: str) -> str | None:
    text = document.get(key)
    if text is None:
        return None
    if not isinstance(text, str) or not text:
        raise WireError("InvalidRequest", f"{key} must be a text")
    return text


def _digest(document: Mapping[str, Any], key: str, digits: int) -> str | None:
    text = _text(document, key)
    if text is None:
        return None
    if len(text) != digits or not all(digit in "0123456789abcdefABCDEF" for digit in text):
        raise WireError("InvalidRequest", f"{key} must be {digits} hex digits")
    return text.lower()


def _signature_algorithm(document: Mapping[str, Any]) -> str:
    """The algorithm, from either key; two different ones are ambiguous and refused."""
    named = {name for key in _ALGORITHM_KEYS if (name := _text(document, key)) is not None}
    if len(named) > 1:
        raise WireError("InvalidRequest", "signatureAlgorithm and sigAlgorithm differ")
    return named.pop() if named else SIGNATURE_ALGORITHM


def _signature(document: Mapping[str, Any]) -> bytes | None:
    text = _text(document, "signature")
    return None if text is None else decode_signature(text, "signature")
