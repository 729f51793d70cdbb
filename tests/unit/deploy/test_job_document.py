"""The job document that a configuration and its image come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, section

from otactl.deploy.planned_document import job_document
from otactl.model.firmware import Firmware

FIRMWARE = Firmware(path="f.bin", name="f.bin", size_bytes=9, md5="0" * 32, sha256="23" * 32)


def document_of(*sections: str, custom: dict[str, Any] | None = None) -> dict[str, Any]:
    configuration = configuration_of(dev_ini(*sections))
    return json.loads(job_document(configuration, FIRMWARE, custom=custom, signature=None))


def test_a_document_with_placeholders_is_filled_and_nothing_is_merged_in() -> None:
    custom = {"size": "${otactl:fileSize}", "at": ["s3://${otactl:bucket}/${otactl:objectKey}"]}

    assert document_of(custom=custom | {"v": "${otactl:imageVer}", "d": "${otactl:md5}"}) == {
        "size": 9,
        "at": [f"s3://ota-bucket/firmware/{'23' * 32}/f.bin"],
        "v": "1",
        "d": "0" * 32,
    }


def test_the_default_document_has_every_key_of_the_manuals() -> None:
    assert set(document_of()) == {
        *("command", "streamId", "fileId", "fileSize", "imageVer", "md5sum")
    }


@pytest.mark.parametrize(
    ("configured", "custom", "version"),
    [
        ((), None, "1"),
        ((), {"Info1": "123"}, "1"),
        # The user's own version is worth more than the default, and what is configured than both.
        ((), {"imageVer": "2.0"}, "2.0"),
        ((), {"imageVer": None}, None),
        ((section("IMAGE_CONFIG", imageVer="3.0"),), {"imageVer": "2.0"}, "3.0"),
    ],
)
def test_the_image_version_is_the_configured_one_the_documents_own_or_the_manuals(
    configured: tuple[str, ...], custom: dict[str, Any] | None, version: str | None
) -> None:
    assert document_of(*configured, custom=custom)["imageVer"] == version
