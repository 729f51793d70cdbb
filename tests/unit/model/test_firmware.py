"""A firmware image is stored under a name made of its content."""

from __future__ import annotations

from dataclasses import replace

from otactl.model.firmware import Firmware

IMAGE = Firmware(path="/x/fw.bin", name="fw.bin", size_bytes=3, md5="0" * 32, sha256="a" * 64)


def test_another_content_is_another_key_and_the_same_content_the_same():
    assert IMAGE.object_key == f"firmware/{'a' * 64}/fw.bin"
    assert replace(IMAGE, sha256="b" * 64).object_key != IMAGE.object_key
    assert replace(IMAGE, path="/y/fw.bin").object_key == IMAGE.object_key
