"""The ``afr_ota`` object of a custom job document, compared with what is deployed.

FreeRTOS devices read it in place of otactl's own keys, so its stream, file id, size and signature
are compared with the plan. What its members must be is in ``afr_ota_document``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otactl.wire.afr_ota_document import KEY
from otactl.wire.image_value import ImageDescription

_SIGNATURE = "sig-"


def afr_ota_faults(
    document: Mapping[str, Any],
    image: ImageDescription,
    is_signature: Callable[[bytes], bool] | None,
) -> Iterator[str]:
    """Where a document's ``afr_ota`` contradicts the deployment, to be read behind its name.

    Args:
        document: The custom document.
        image: What the deployment says of the image.
        is_signature: Whether bytes are a signature of the image; None without a key to tell.
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
        yield f'has {KEY}.protocols {protocols!r}; devices know "MQTT" and "HTTP"'
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
    image: ImageDescription,
    is_signature: Callable[[bytes], bool] | None,
) -> Iterator[str]:
    size = file.get("filesize")
    if size != image.file_size:
        yield f"has {location}.filesize {size!r}; the image has {image.file_size} bytes"
    if "MQTT" in protocols and file.get("fileid") != image.file_id:
        yield f"has {location}.fileid {file.get('fileid')!r}; the file id is {image.file_id}"
    if "HTTP" in protocols and not file.get("update_data_url"):
        yield f"lacks {location}.update_data_url, the address for HTTP"
    for key, text in file.items():
        if key.startswith(_SIGNATURE) and is_signature is not None:
            signature = _decoded(text)
            if signature is None or not is_signature(signature):
                yield f"has {location}.{key}, which is no signature of this image by the key given"


def _decoded(text: Any) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        return None
