"""The forms of texts in a ``dev.ini``: ids, names, ARNs, paths, moments. All of them ``Kind``s."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from otactl.model import arn, identifier, limits
from otactl.model.alarm import Statistic
from otactl.model.configuration.kind import Kind, WholeNumber, Word, WordList, refuse
from otactl.model.cron import cron_fault
from otactl.model.s3_url import is_s3_url

_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})", re.ASCII)
_PERCENTILE = re.compile(r"p(?:[0-9]{1,2}(?:\.[0-9]{1,2})?|100(?:\.0{1,2})?)", re.ASCII)
_STATISTICS = tuple(Statistic)
_NAMESPACE = re.compile(r"(?!:)(?!AWS/$)[A-Za-z0-9._/#: -]{1,255}", re.ASCII)
_METRIC = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]*[A-Za-z0-9_.-])?", re.ASCII)
_KMS_KEY = re.compile(
    r"(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?"
    r"(?:alias/[a-zA-Z0-9/_-]{1,250}|key/[a-zA-Z0-9-]{1,128})|[0-9a-f-]{36}|mrk-[0-9a-f]{32}",
    re.ASCII,
)
#: ``iot-data`` ShadowName.
_SHADOW = re.compile(r"[$a-zA-Z0-9:_-]{1,64}", re.ASCII)
_MAX_PATH_LENGTH = 4096
_MAX_COMPARED = 200
#: ``otactl-<job id>-`` precedes the name of an alarm in CloudWatch.
MAX_LISTED_NAME_LENGTH = (
    limits.MAX_ALARM_NAME_LENGTH - len("otactl--") - identifier.MAX_JOB_ID_LENGTH
)
#: ``_<fileId>``, at most four characters, follows the configured stream id.
MAX_CONFIGURED_STREAM_ID_LENGTH = identifier.MAX_STREAM_ID_LENGTH - len("_255")


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def accepts(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return accepts


def _is_path(text: str) -> bool:
    return text.isprintable() and len(text) <= _MAX_PATH_LENGTH and bool(PurePath(text).name)


def _is_image_path(text: str) -> bool:
    return _is_path(text) and len(PurePath(text).name.encode()) <= limits.MAX_FILE_NAME_BYTES


def _is_printable(maximum: int) -> Callable[[str], bool]:
    return lambda text: text.isprintable() and len(text) <= maximum


def is_listed_name(text: str) -> bool:
    """Whether it is allowed in ``alarmList``, and after ``ALARM_CONFIG_`` in a section's name."""
    return _NAME.fullmatch(text) is not None and len(text) <= MAX_LISTED_NAME_LENGTH


def _id_hint(text: str) -> str | None:
    shown = text[:_MAX_COMPARED]
    wrong = sorted({character for character in shown if not re.match(r"[a-zA-Z0-9_-]", character)})
    return f"{' '.join(map(repr, wrong[:5]))} is not allowed in it" if wrong else None


class DottedPath(Kind):
    """Keys that lead to a value of a JSON document."""

    type_name = "path of keys"

    allowed = f"1 to {limits.MAX_SHADOW_KEYS} keys of a JSON document, with a point between two"

    def read(self, text: str) -> tuple[str, ...]:
        """Read the keys."""
        keys = tuple(text.split("."))
        if (
            not all(keys)
            or len(keys) > limits.MAX_SHADOW_KEYS
            or not text.isprintable()
            or " " in text
        ):
            self.refuse(text, code="form")
        return keys


PATH = Word("path", "the path of a file", _is_path)
IMAGE_PATH = Word(
    "path",
    f"the path of a file whose name has at most {limits.MAX_FILE_NAME_BYTES} bytes",
    _is_image_path,
)
JOB_ID = Word("job id", "1 to 64 letters, digits, _ or -", identifier.is_job_id, _id_hint)
STREAM_ID = Word(
    "stream id",
    f"1 to {MAX_CONFIGURED_STREAM_ID_LENGTH} letters, digits, _ or -, to which _<fileId> is added",
    lambda text: identifier.is_stream_id(text) and len(text) <= MAX_CONFIGURED_STREAM_ID_LENGTH,
    _id_hint,
)
BUCKET = Word(
    "bucket",
    "the name of an S3 bucket: 3 to 63 lower-case letters, digits, points or hyphens",
    identifier.is_bucket_name,
    lambda text: "leave out s3://" if text.startswith("s3:") else None,
)
REGION = Word("region", "an AWS region such as eu-central-1", arn.is_region, arn.region_hint)
ROLE_ARN = Word(
    "role ARN",
    "the ARN of a role, arn:aws:iam::ACCOUNT:role/NAME",
    _parses(arn.parse_role_arn),
    arn.account_hint,
)
TOPIC_ARNS = WordList(
    Word(
        "topic ARN",
        "the ARN of an SNS topic, arn:aws:sns:REGION:ACCOUNT:TOPIC",
        _parses(arn.parse_topic_arn),
        arn.account_hint,
    ),
    limits.MAX_ALARM_ACTIONS,
)
LISTED_NAME = Word(
    "name",
    f"1 to {MAX_LISTED_NAME_LENGTH} letters, digits, blanks, _ . or -",
    is_listed_name,
)
ALARM_NAMES = WordList(LISTED_NAME, limits.MAX_ALARMS)
WINDOW_NAMES = WordList(LISTED_NAME, limits.MAX_MAINTENANCE_WINDOWS)
EXISTING_ALARMS = WordList(
    Word(
        "alarm name",
        f"the name of a CloudWatch alarm, 1 to {limits.MAX_ALARM_NAME_LENGTH} printable characters",
        _is_printable(limits.MAX_ALARM_NAME_LENGTH),
    ),
    limits.MAX_ALARMS,
)
SEED = Word(
    "text",
    f"up to {limits.MAX_SEED_LENGTH} printable ASCII characters",
    lambda text: text.isascii() and _is_printable(limits.MAX_SEED_LENGTH)(text),
)
SHADOW = Word(
    "shadow",
    "classic, or the name of a named shadow: 1 to 64 letters, digits, $, :, _ or -",
    lambda text: _SHADOW.fullmatch(text) is not None,
)
SHADOW_PATH = DottedPath()
S3_URL = Word(
    "S3 address",
    "the address of an S3 object, s3://BUCKET/KEY or https://s3.REGION.amazonaws.com/BUCKET/KEY",
    is_s3_url,
)
IMAGE_VERSION = Word(
    "text",
    f"up to {limits.MAX_IMAGE_VERSION_LENGTH} printable characters",
    _is_printable(limits.MAX_IMAGE_VERSION_LENGTH),
)
DEVICE_NAME = Word(
    "text",
    f"1 to {limits.MAX_DEVICE_NAME_LENGTH} printable ASCII characters",
    lambda text: text.isascii() and _is_printable(limits.MAX_DEVICE_NAME_LENGTH)(text),
)
KMS_KEY = Word(
    "KMS key",
    "the id or ARN of a key in AWS KMS, or alias/NAME",
    lambda text: _KMS_KEY.fullmatch(text) is not None,
)
SIGNING_PROFILE = Word(
    "signing profile",
    "the name of a profile of AWS Signer: 2 to 64 letters, digits or _",
    lambda text: re.fullmatch(r"[a-zA-Z0-9_]{2,64}", text, re.ASCII) is not None,
)
CRON = Word(
    "cron expression",
    "cron(minutes hours day-of-month month day-of-week year), such as cron(0 2 ? * MON *)",
    lambda text: len(text) <= limits.MAX_CRON_LENGTH and cron_fault(text) is None,
    cron_fault,
)
NAMESPACE = Word(
    "text",
    "a CloudWatch namespace: 1 to 255 letters, digits, blanks or . _ / # : -, not beginning with :",
    lambda text: _NAMESPACE.fullmatch(text) is not None,
)
METRIC_NAME = Word(
    "text",
    "the name of a metric: 1 to 255 printable ASCII characters",
    lambda text: _METRIC.fullmatch(text) is not None,
)


def _statistic_hint(text: str) -> str | None:
    near = next((word for word in _STATISTICS if word.lower() == text.lower()), None)
    return f"write {near}" if near else None


STATISTIC = Word(
    "statistic",
    f"{', '.join(_STATISTICS)} or a percentile from p0.0 to p100",
    lambda text: text in _STATISTICS or _PERCENTILE.fullmatch(text) is not None,
    _statistic_hint,
)


class Moment(Kind):
    """A date and a time of day, in UTC, to the minute, as CreateJob requires."""

    type_name = "moment"

    allowed = "a date and time in UTC, YYYY-MM-DD HH:MM"

    def read(self, text: str) -> str:
        """Read the moment; the result has the T that the service requires."""
        match = _MOMENT.fullmatch(text)
        if match is None:
            self.refuse(text, code="form")
        try:
            moment = datetime.fromisoformat(f"{match[1]}T{match[2]}")
        except ValueError:
            self.refuse(text, code="form", hint="there is no such date or time of day")
        return moment.isoformat(timespec="minutes")


@dataclass(frozen=True, slots=True)
class AlarmPeriod(WholeNumber):
    """The seconds of one period of an alarm."""

    @property
    def allowed(self) -> str:
        """The rule."""
        return f"a multiple of 60 from 60 to {self.range.maximum} seconds, or 10, 20 or 30"

    def read(self, text: str) -> int:
        """Read the seconds."""
        seconds = WholeNumber.read(self, text)
        if seconds % limits.ALARM_PERIOD_STEP_SECONDS and (
            seconds not in limits.HIGH_RESOLUTION_PERIODS
        ):
            refuse("range", f"must be {self.allowed}, found {text}")
        return seconds


ALARM_PERIOD = AlarmPeriod(
    limits.WholeRange(
        min(limits.HIGH_RESOLUTION_PERIODS), limits.MAX_ALARM_SPAN_SECONDS_OF_LONG_PERIODS
    )
)
MOMENT = Moment()
