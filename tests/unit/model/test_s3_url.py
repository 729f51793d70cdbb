"""Addresses of S3 objects, in every form people write."""

from __future__ import annotations

import pytest

from otactl.model.s3_url import S3Location, is_s3_url, parse_s3_url


@pytest.mark.parametrize(
    "url",
    [
        "s3://my-bucket/docs/job.json",
        "https://s3.amazonaws.com/my-bucket/docs/job.json",
        "https://s3.eu-west-1.amazonaws.com/my-bucket/docs/job.json",
        "https://s3-eu-west-1.amazonaws.com/my-bucket/docs/job.json",
        "https://s3.dualstack.eu-west-1.amazonaws.com/my-bucket/docs/job.json",
        "https://s3.cn-north-1.amazonaws.com.cn/my-bucket/docs/job.json",
        "https://my-bucket.s3.amazonaws.com/docs/job.json",
        "https://my-bucket.s3.eu-west-1.amazonaws.com/docs/job.json",
    ],
)
def test_every_form_of_address_is_read(url: str):
    assert parse_s3_url(url) == S3Location("my-bucket", "docs/job.json")


def test_a_key_of_an_https_address_is_percent_encoded_and_of_s3_not():
    assert parse_s3_url("https://s3.amazonaws.com/abc/a%20b").key == "a b"
    assert parse_s3_url("s3://abc/a%20b").key == "a%20b"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://",
        "s3://my-bucket",
        "s3://my-bucket/",
        "s3://My_Bucket/key",
        "http://s3.amazonaws.com/my-bucket/key",
        "https://example.com/my-bucket/key",
        "https://s3.amazonaws.com.evil.example/my-bucket/key",
        "https://s3.amazonaws.com/my-bucket/key?versionId=1",
        "https://s3.amazonaws.com/my-bucket/%ff",
        "s3://my-bucket/" + "k" * 1025,
        "s3://my-bucket/a\nb",
    ],
)
def test_other_addresses_are_refused(url: str):
    assert not is_s3_url(url)
    with pytest.raises(ValueError, match="not the address"):
        parse_s3_url(url)
