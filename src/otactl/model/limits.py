"""AWS's own limits, in one place, each with its source.

"facts" is aws-facts by section; a botocore shape is named by service and shape. Where
the shape is silent and the service was measured, the fact is cited. Limits marked *ours* are
set by otactl, where AWS sets none and a larger number can only be a typing error.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class WholeRange:
    """The whole numbers from ``minimum`` to ``maximum``, both included."""

    minimum: int
    maximum: int

    def __contains__(self, number: int) -> bool:
        return self.minimum <= number <= self.maximum

    def __str__(self) -> str:
        if self.minimum == self.maximum:
            return str(self.minimum)
        return f"{self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecimalRange:
    """Decimal numbers between two bounds, with at most N digits after the point.

    Attributes:
        exclusive: Whether the minimum itself is refused.
    """

    minimum: Decimal
    maximum: Decimal
    decimals: int
    exclusive: bool = False

    def __contains__(self, number: Decimal) -> bool:
        above = number > self.minimum if self.exclusive else number >= self.minimum
        return above and number <= self.maximum

    def __str__(self) -> str:
        if self.exclusive:
            return f"more than {self.minimum}, up to {self.maximum}"
        return f"{self.minimum} to {self.maximum}"


#: ``iot`` OTAUpdateFile fileType.
FILE_TYPE = WholeRange(0, 255)
#: *Ours*: of a path or a label on a device; the application sets its agent's buffer sizes.
MAX_DEVICE_NAME_LENGTH = 255
#: The largest count botocore's ``integer`` shapes carry on every SDK: 32 bits, signed.
_MAX_INTEGER = 2**31 - 1

#: ``iot`` MaxJobExecutionsPerMin has only the minimum; the maximum was measured (facts B).
MAXIMUM_PER_MINUTE = WholeRange(1, 1000)
#: ``iot`` RolloutRatePerMinute; the service wants it below the maximum per minute (facts B).
BASE_RATE_PER_MINUTE = WholeRange(1, 1000)
#: ``iot`` IncrementFactor; one digit after the point by its documentation.
INCREMENT_FACTOR = DecimalRange(minimum=Decimal("1.1"), maximum=Decimal(5), decimals=1)
#: ``iot`` NumberOfThings.
INCREASE_THRESHOLD = WholeRange(1, _MAX_INTEGER)
#: ``iot`` AbortThresholdPercentage; zero is refused, two digits after the point (facts C).
ABORT_PERCENTAGE = DecimalRange(
    minimum=Decimal(0), maximum=Decimal(100), decimals=2, exclusive=True
)
#: ``iot`` MinimumNumberOfExecutedThings.
ABORT_EXECUTED_THINGS = WholeRange(1, _MAX_INTEGER)
#: ``iot`` InProgressTimeoutInMinutes: a minute to seven days.
IN_PROGRESS_TIMEOUT_MINUTES = WholeRange(1, 10_080)
#: *Ours*: nothing is in progress for longer than the longest timeout.
ABORT_WAIT_MINUTES = WholeRange(0, 10_080)
#: ``iot`` NumberOfRetries; both failure types together stay within it too (facts D).
NUMBER_OF_RETRIES = WholeRange(0, 10)
#: ``iot`` ExpiresInSec.
PRESIGNED_URL_SECONDS = WholeRange(60, 3600)

#: ``iot`` SchedulingConfig (facts A6), in minutes.
SCHEDULE_LEAD_MINUTES = 30
SCHEDULE_SHORTEST_MINUTES = 30
SCHEDULE_LONGEST_DAYS = 2 * 365
SCHEDULE_FURTHEST_START_DAYS = 365
#: ``iot`` DurationInMinutes and CronExpression of a MaintenanceWindow.
WINDOW_MINUTES = WholeRange(1, 1430)
MAX_CRON_LENGTH = 256
#: *Ours*: more windows in a day are not useful.
MAX_MAINTENANCE_WINDOWS = 20

#: ``iot`` TagKey, TagValue; 50 tags a resource (AWS tagging rules).
MAX_TAGS = 50
MAX_TAG_KEY_LENGTH = 128
MAX_TAG_VALUE_LENGTH = 256

#: ``cloudwatch`` AlarmName.
MAX_ALARM_NAME_LENGTH = 255
#: ``cloudwatch`` ResourceList: actions of an alarm for one state.
MAX_ALARM_ACTIONS = 5
#: Periods below a minute, for high-resolution metrics only (facts I3).
HIGH_RESOLUTION_PERIODS = (10, 20, 30)
ALARM_PERIOD_STEP_SECONDS = 60
#: Period times evaluation periods: a day, or a week when the period is an hour or longer.
MAX_ALARM_SPAN_SECONDS = 86_400
MAX_ALARM_SPAN_SECONDS_OF_LONG_PERIODS = 604_800
LONG_PERIOD_SECONDS = 3600
#: A threshold is a double; metric values lie within 2**360 either way (CloudWatch, PutMetricData).
ALARM_THRESHOLD = DecimalRange(minimum=Decimal(-(2**360)), maximum=Decimal(2**360), decimals=20)

#: S3 object keys, in bytes of UTF-8 (S3 User Guide); ours begin with ``firmware/<sha256>/``.
MAX_FILE_NAME_BYTES = 255

#: *Ours*, as are all below.
ROUNDS = WholeRange(1, 10_000)
DEFAULT_DELAY_SECONDS = WholeRange(0, 86_400)
API_SLEEP_MS = WholeRange(0, 60_000)
CHUNK_SIZE_BYTES = WholeRange(1, 64 * 1024 * 1024)
UPLOAD_CONCURRENCY = WholeRange(1, 32)
MAX_ATTEMPTS = WholeRange(1, 100)
MAX_IMAGE_VERSION_LENGTH = 128
WAVE_PERCENTAGE = DecimalRange(minimum=Decimal(1), maximum=Decimal(100), decimals=2)
#: Of a wave and its control, percentage points.
MINIMUM_DIFFERENCE = DecimalRange(minimum=Decimal(0), maximum=Decimal(50), decimals=2)
#: A week of soaking; a month for a wave to end.
SOAK_MINUTES = WholeRange(0, 10_080)
WAVE_MINUTES = WholeRange(1, 43_200)
OPEN_DAYS = WholeRange(0, 365)
#: ``iot`` AddThingToThingGroup: 100 calls a second of an account (facts A9).
FILL_PER_SECOND = WholeRange(1, 100)
#: A week to report, a day between two polls, and MQTT's own limit for the keep alive.
VERIFY_MINUTES = WholeRange(1, 10_080)
DARK_MINUTES = WholeRange(1, 1_440)
KEEP_ALIVE_SECONDS = WholeRange(1, 65_535)
#: After this many keep alives AWS treats a silent client as disconnected (MQTT 3.1.1, 3.1.2.10).
KEEP_ALIVE_FACTOR = 1.5
MAXIMUM_BOOTS = WholeRange(1, 1_000)
#: A shadow has eight levels below ``state`` at most (AWS guide, shadow limits).
MAX_SHADOW_KEYS = 7
OFFLINE_DAYS = WholeRange(1, 3_650)
#: Things read one by one at the plan.
MAXIMUM_READS = WholeRange(0, 1_000_000)
#: The longest key of blake2b.
MAX_SEED_LENGTH = 64
MAX_WAIVERS = 100
MAX_WAIVER_REASON_LENGTH = 500
#: A million is the largest fleet otactl is made for; a file with more lines is no thing list.
MAX_LISTED_TARGETS = 1_000_000
#: A ``dev.ini`` of a hundred alarms has 30 KiB.
MAX_CONFIGURATION_LENGTH = 1024 * 1024
MAX_ALARMS = 100

#: Things of a group, or executions of a job, in one answer (aws-facts A9).
PAGE = 250
