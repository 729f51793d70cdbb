"""The names AWS IoT accepts, with the source of each rule.

| name | rule | source |
|---|---|---|
| job id | 1-64 of ``[a-zA-Z0-9_-]`` | botocore ``iot`` JobId |
| stream id | 1-128 of ``[a-zA-Z0-9_-]`` | botocore ``iot`` StreamId |
| thing, thing group | 1-128 of ``[a-zA-Z0-9:_-]`` | botocore ``iot`` ThingName, ThingGroupName |
| bucket | 3-63 of ``[a-z0-9.-]``, no ``..``, ``.-``, ``-.``, no IP address | S3 User Guide |

S3 also reserves some prefixes and suffixes of bucket names; they are refused.
"""

from __future__ import annotations

import re

from otactl.errors import UserMistake

MAX_JOB_ID_LENGTH = 64
MAX_STREAM_ID_LENGTH = 128
#: AWS's own embedded library reserves 44 bytes for a stream name (aws-facts G5).
MAX_STREAM_ID_LENGTH_ON_AWS_LIBRARY = 44

_JOB_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_STREAM_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_THING_NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}", re.ASCII)
_BUCKET = re.compile(
    r"(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?!.*\.\.|.*-\.|.*\.-)[a-z0-9.-]{1,61}[a-z0-9]"
)
_RESERVED_BUCKET_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_BUCKET_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def is_job_id(text: str) -> bool:
    """Whether CreateJob takes it as a job id."""
    return _JOB_ID.fullmatch(text) is not None


def require_job_id(text: str) -> str:
    """The text, if it is a job id.

    Raises:
        UserMistake: It is not.
    """
    if not is_job_id(text):
        raise UserMistake(f"{text!r} is no job id: 1-64 letters, digits, - or _")
    return text


def is_stream_id(text: str) -> bool:
    """Whether CreateStream takes it as a stream id."""
    return _STREAM_ID.fullmatch(text) is not None


def is_thing_name(text: str) -> bool:
    """Whether CreateThing takes it as a thing name."""
    return _THING_NAME.fullmatch(text) is not None


def is_thing_group_name(text: str) -> bool:
    """Whether CreateThingGroup takes it as a group name; the rule is the same as for things."""
    return _THING_NAME.fullmatch(text) is not None


def is_bucket_name(text: str) -> bool:
    """Whether S3 takes it as a bucket name."""
    return (
        _BUCKET.fullmatch(text) is not None
        and not text.startswith(_RESERVED_BUCKET_STARTS)
        and not text.endswith(_RESERVED_BUCKET_ENDS)
    )
