"""The bucket and key of an S3 object, read from the addresses people write.

Understood: ``s3://bucket/key``, path style ``https://s3.REGION.amazonaws.com/bucket/key`` (also
without region) and virtual-hosted style ``https://bucket.s3.REGION.amazonaws.com/key``.
Source: S3 User Guide, virtual hosting of buckets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from otactl.model.identifier import is_bucket_name

_S3_SCHEME = re.compile(r"s3://(?P<bucket>[^/?#]+)/(?P<key>[^?#]+)")
_HOST = r"s3[.-](?:(?:dualstack\.)?[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?"
_PATH_STYLE = re.compile(
    rf"https://(?:s3\.amazonaws\.com|{_HOST})/(?P<bucket>[^/?#]+)/(?P<key>[^?#]+)"
)
_VIRTUAL_HOSTED = re.compile(
    rf"https://(?P<bucket>[a-z0-9.-]+?)\.(?:s3\.amazonaws\.com|{_HOST})/(?P<key>[^?#]+)"
)
_MAX_KEY_BYTES = 1024
#: The maximum of ``iot`` JobDocumentSource.
MAX_URL_LENGTH = 1350


@dataclass(frozen=True, slots=True)
class S3Location:
    """An object's bucket and key."""

    bucket: str
    key: str


def parse_s3_url(text: str) -> S3Location:
    """Read the address of an object.

    Raises:
        ValueError: It has another form, or an invalid bucket name.
    """
    if len(text) <= MAX_URL_LENGTH and text.isprintable():
        for pattern in (_S3_SCHEME, _PATH_STYLE, _VIRTUAL_HOSTED):
            match = pattern.fullmatch(text)
            if match is None or not is_bucket_name(match["bucket"]):
                continue
            key = match["key"] if pattern is _S3_SCHEME else unquote(match["key"])
            # What cannot be decoded becomes U+FFFD, which is in no real key.
            if "\ufffd" not in key and len(key.encode()) <= _MAX_KEY_BYTES:
                return S3Location(match["bucket"], key)
    raise ValueError(
        f"{text!r} is not the address of an S3 object "
        "(s3://BUCKET/KEY or https://s3.REGION.amazonaws.com/BUCKET/KEY)"
    )


def is_s3_url(text: str) -> bool:
    """Whether it is the address of an S3 object."""
    try:
        parse_s3_url(text)
    except ValueError:
        return False
    return True
