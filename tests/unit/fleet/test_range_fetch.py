"""Which URLs a device fetches from; what comes of fetching is a contract test's business."""

from __future__ import annotations

import pytest

from otactl.fleet.range_fetch import RangeError, url_fault


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.eu-central-1.amazonaws.com/b/k?X-Amz-Signature=0",
        "http://127.0.0.1:4566/b/k",
        "http://localhost:4566/b/k",
        "http://s3.localhost:4566/b/k",
        "http://[::1]:4566/b/k",
    ],
)
def test_https_and_this_very_machine_are_fetched_from(url: str) -> None:
    assert url_fault(url) is None


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("${aws:iot:s3-presigned-url:https://s3.r.amazonaws.com/b/k}", "was not filled in"),
        ("http://example.com/b/k", "is not https"),
        ("http://169.254.169.254/latest/meta-data", "is not https"),
        ("http://localhost.example.com/x", "is not https"),
        ("file:///etc/passwd", "is no URL"),
        ("ftp://127.0.0.1/x", "is not https"),
        ("nonsense", "is no URL"),
        ("https://", "is no URL"),
        ("http://[nonsense/", "is no URL"),
    ],
)
def test_everything_else_is_refused(url: str, fault: str) -> None:
    assert fault in (url_fault(url) or "")


def test_an_error_says_nothing_of_the_url() -> None:
    assert str(RangeError(403)) == "HTTP status 403"
