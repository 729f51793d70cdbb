"""The names AWS IoT and S3 accept."""

from __future__ import annotations

import pytest

from otactl.model.identifier import is_bucket_name, is_job_id, is_stream_id, is_thing_name


def test_a_job_id_has_up_to_64_characters_of_its_alphabet():
    assert is_job_id("aZ0_-")
    assert is_job_id("x" * 64)
    assert not any(map(is_job_id, ("", "x" * 65, "a:b", "a.b", "a b", "é", "a\n")))


def test_a_stream_id_has_up_to_128_characters_of_its_alphabet():
    assert is_stream_id("x" * 128)
    assert not any(map(is_stream_id, ("", "x" * 129, "a:b", "a\n")))


def test_a_thing_name_may_have_colons():
    assert is_thing_name("a:b")
    assert not any(map(is_thing_name, ("", "a/b", "x" * 129, "a\n")))


@pytest.mark.parametrize("name", ["abc", "a.b-c.1", "x" * 63, "123"])
def test_names_s3_takes(name: str):
    assert is_bucket_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "x" * 64,
        "Abc",
        "a_b",
        "-ab",
        "ab-",
        "a..b",
        "a.-b",
        "a-.b",
        "192.168.0.1",
        "xn--abc",
        "sthree-abc",
        "abc-s3alias",
        "abc--ol-s3",
        "abc\n",
    ],
)
def test_names_s3_refuses(name: str):
    assert not is_bucket_name(name)
