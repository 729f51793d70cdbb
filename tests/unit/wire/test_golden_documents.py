"""Each format by each delivery: the very document, checked against what the agents parse.

The documents are in ``documents/``, one a file; ``afr_ota.schema.json`` names for every field the
source it was read in.
"""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from otactl.model.document_format import AfrOta, DataProtocol, DocumentFormat
from otactl.model.image import Image
from otactl.wire.error import WireError
from otactl.wire.job_document import build_document, parse_document, presigned_url_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "documents"
AGENTS = Draft202012Validator(json.loads((FOLDER / "afr_ota.schema.json").read_text()))
URL = presigned_url_placeholder("eu-central-1", "ota-bucket", "firmware/ab/image.bin")
#: DER of a signature: SEQUENCE of two numbers of 32 bytes.
SIGNATURE = b"\x30\x44" + (b"\x02\x20" + b"\x11" * 32) * 2
OTACTL, AFR_OTA = DocumentFormat
MQTT, HTTP = DataProtocol

CASES: dict[str, tuple[tuple[DocumentFormat, ...], tuple[DataProtocol, ...]]] = {
    "otactl-stream": ((OTACTL,), (MQTT,)),
    "otactl-url": ((OTACTL,), (HTTP,)),
    "afr_ota-stream": ((AFR_OTA,), (MQTT,)),
    "afr_ota-url": ((AFR_OTA,), (HTTP,)),
    "afr_ota-stream-and-url": ((AFR_OTA,), (MQTT, HTTP)),
    "both-stream": ((OTACTL, AFR_OTA), (MQTT,)),
    "both-url": ((OTACTL, AFR_OTA), (HTTP,)),
}


def document(name: str) -> dict[str, Any]:
    formats, protocols = CASES[name]
    image = Image(
        stream_id="MyStream_171",
        file_id=171,
        size_bytes=180_568,
        version="1.2.0",
        sha256="ab" * 32,
        signature=SIGNATURE,
        url=URL if HTTP in protocols else None,
    )
    device = AfrOta(file_path="/fw.bin", certificate_name="codesign.crt", protocols=protocols)
    return build_document(image, formats=formats, afr_ota=device)


@pytest.mark.parametrize("name", CASES)
def test_the_document_of_a_format_and_a_delivery_is_the_golden_one(name: str) -> None:
    golden = json.loads((FOLDER / f"{name}.json").read_text())

    assert document(name) == golden
    assert list(document(name)) == list(golden), "the order of keys is part of the text"


@pytest.mark.parametrize("name", [name for name in CASES if "otactl" not in name])
def test_the_agents_take_it(name: str) -> None:
    AGENTS.validate(document(name))


@pytest.mark.parametrize("name", CASES)
def test_a_virtual_device_of_each_dialect_reads_its_own(name: str) -> None:
    formats, protocols = CASES[name]
    for reads in DocumentFormat:
        if reads not in formats:
            with pytest.raises(WireError):
                parse_document(document(name), reads)
            continue
        image = parse_document(document(name), reads)
        assert (image.size_bytes, image.file_id) == (180_568, 171)
        assert (image.signature, image.document_format) == (SIGNATURE, reads)
        assert (image.url is None) == (protocols[0] is MQTT)


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set a field of ``afr_ota``, or of its file; ``None`` takes it out."""

    def act(update: dict[str, Any]) -> None:
        location, key = (
            (update["files"][0], path[5:]) if path.startswith("file.") else (update, path)
        )
        location.pop(key) if value is None else location.__setitem__(key, value)

    return act


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("protocols", None),
        ("protocols", []),
        ("protocols", "MQTT"),
        ("protocols", ["FTP"]),
        ("streamname", None),
        ("streamname", ""),
        ("streamname", "s" * 45),
        ("files", []),
        ("files", None),
        ("files", ["x"]),
        ("file.filepath", None),
        ("file.filesize", None),
        ("file.filesize", "180568"),
        ("file.filesize", 0),
        ("file.filesize", 2**32),
        ("file.filesize", True),
        ("file.fileid", "171"),
        ("file.fileid", 256),
        ("file.certfile", None),
        ("file.sig-sha256-ecdsa", None),
        ("file.sig-sha256-ecdsa", "not base64!"),
    ],
)
def test_a_virtual_device_is_as_strict_as_the_agents(path: str, value: Any) -> None:
    wrong = deepcopy(document("afr_ota-stream"))
    change(path, value)(wrong["afr_ota"])

    assert not AGENTS.is_valid(wrong)
    with pytest.raises(WireError):
        parse_document(wrong)


@pytest.mark.parametrize("key", ["update_data_url", "auth_scheme", "fileType"])
def test_what_http_needs_is_missed(key: str) -> None:
    wrong = document("afr_ota-url")
    del wrong["afr_ota"]["files"][0][key]

    assert not AGENTS.is_valid(wrong)
    with pytest.raises(WireError, match=key):
        parse_document(wrong)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signature": None}, "needs a signature"),
        ({"size_bytes": 2**32}, "4,294,967,295"),
        ({"stream_id": "s" * 45}, "44"),
        ({"stream_id": None}, "44"),
    ],
)
def test_what_afr_ota_cannot_say_is_refused(changes: dict[str, Any], words: str) -> None:
    fields = {"size_bytes": 1, "stream_id": "s", "signature": SIGNATURE} | changes
    device = AfrOta(file_path="f", certificate_name="c")

    with pytest.raises(WireError, match=words):
        build_document(Image(**fields), formats=(AFR_OTA,), afr_ota=device)
