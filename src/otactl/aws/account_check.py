"""Checks of an account and region that do not depend on a deployment's file.

Each check calls AWS and yields findings. A call that is denied, or that an endpoint such as a
local cloud does not support, is a finding too.

| rule | source |
|---|---|
| signatures are refused when the clocks differ by more than 5 minutes | Signature Version 4, |
| | Elements of a request; S3 allows 15 |
| job events are switched on per account and region | aws-facts F4 |
| rollout and cancel rates are quotas of the account | aws-facts A9 |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from otactl.aws.event_configuration import NEEDED_EVENTS, enabled_events
from otactl.aws.signed_websocket import data_endpoint
from otactl.aws.translate import translated
from otactl.errors import AwsRefused, CredentialsUnusable, OtactlError
from otactl.model.diagnosis import Diagnosis, bad, good, note, unknown, warning

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients

    Check = Callable[[], Iterator[Diagnosis]]

_MOST_SECONDS, _NOTABLE_SECONDS = 300, 30
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "403"})
_ABSENT = frozenset(
    {"UnknownOperationException", "UnknownOperation", "InvalidAction", "NotImplemented"}
    | {"UnsupportedOperation", "400", "404", "501"}
)
#: How the message of an emulated service begins if it does not support the operation.
_UNSUPPORTED = "Unsupported"


def run_check(area: str, check: Check) -> Iterator[Diagnosis]:
    """The findings of a check, or the reason why it cannot run."""
    try:
        yield from check()
    except CredentialsUnusable:
        raise
    except AwsRefused as refusal:
        if refusal.code in _DENIED:
            yield unknown(area, f"{refusal.operation} is not allowed", f"allow {refusal.operation}")
        elif refusal.code in _ABSENT or refusal.reason.startswith(_UNSUPPORTED):
            yield unknown(area, "not available here")
        else:
            yield bad(area, str(refusal), refusal.hint or "see the message")
    except OtactlError as error:
        yield bad(area, str(error), error.hint or "see the message")


def check_account(
    clients: AwsClients, identity: str, now_ms: int, rate_wanted: int | None
) -> Iterator[Diagnosis]:
    """Check everything about the account and region.

    Args:
        identity: The ARN of the credentials.
        now_ms: This machine's clock, epoch milliseconds.
        rate_wanted: Things per minute that a deployment needs; None without a deployment.
    """
    yield good("identity", f"{identity}, region {clients.region}")
    checks = {
        "clock": partial(_clock, clients, now_ms),
        "endpoint": partial(_endpoint, clients),
        "job events": partial(_events, clients),
        "fleet index": partial(_index, clients),
        "packages": partial(_packages, clients),
        "quotas": partial(_quotas, clients, rate_wanted),
    }
    for area, check in checks.items():
        yield from run_check(area, check)


def _clock(clients: AwsClients, now_ms: int) -> Iterator[Diagnosis]:
    aws_ms = clients.aws_time_ms
    if aws_ms is None:
        yield unknown("clock", "AWS did not say what time it is")
        return
    apart = abs(now_ms - aws_ms) / 1000
    found = f"{apart:.0f} s from AWS's"
    if apart > _MOST_SECONDS:
        yield bad("clock", found, "set the clock: AWS refuses signatures that are 5 minutes off")
    elif apart > _NOTABLE_SECONDS:
        yield warning("clock", found, "set the clock (NTP): times in reports will be wrong")
    else:
        yield good("clock", found)


def _endpoint(clients: AwsClients) -> Iterator[Diagnosis]:
    yield good("endpoint", f"devices connect to {data_endpoint(clients)}")


def _events(clients: AwsClients) -> Iterator[Diagnosis]:
    enabled = enabled_events(clients)
    missing = [kind for kind in NEEDED_EVENTS if kind not in enabled]
    if missing:
        yield warning(
            "job events",
            f"{' and '.join(missing)} events are off: no metrics, no alarms on them, and"
            " `otactl monitor --events` receives nothing",
            "otactl stack deploy --events switches them on",
        )
    else:
        yield good("job events", "on")


@translated("iot")
def _index(clients: AwsClients) -> Iterator[Diagnosis]:
    answer = clients.iot.get_indexing_configuration()
    found: Mapping[str, Any] = answer.get("thingIndexingConfiguration", {})
    if found.get("thingIndexingMode", "OFF") == "OFF":
        yield note(
            "fleet index",
            "off: `otactl things --query` finds nothing; --group and --all need none",
            "aws iot update-indexing-configuration --thing-indexing-configuration"
            " thingIndexingMode=REGISTRY",
        )
        return
    connectivity = found.get("thingConnectivityIndexingMode", "OFF")
    yield good("fleet index", f"{found['thingIndexingMode']}, connectivity {connectivity}")


@translated("iot")
def _packages(clients: AwsClients) -> Iterator[Diagnosis]:
    answer = clients.iot.get_package_configuration()
    is_on = answer.get("versionUpdateByJobsConfig", {}).get("enabled", False)
    yield good(
        "packages",
        "jobs update the package version of things"
        if is_on
        else "jobs do not update the package version of things (otactl does not need it)",
    )


def _quotas(clients: AwsClients, rate_wanted: int | None) -> Iterator[Diagnosis]:
    found = list(_rollout_quotas(clients))
    if not found:
        yield unknown("quotas", "Service Quotas lists none for the rollout of jobs")
    for name, value in found:
        if rate_wanted is not None and value < rate_wanted:
            yield bad(
                "quotas",
                f"{name}: {value:g}, and the file wants {rate_wanted:,} per minute",
                "lower maximumPerMinute, or ask for more in the Service Quotas console",
            )
        else:
            yield good("quotas", f"{name}: {value:g}")


def _rollout_quotas(clients: AwsClients) -> list[tuple[str, float]]:
    """The quotas of AWS IoT on the rollout of jobs, by name."""
    codes = [
        service["ServiceCode"]
        for service in clients.listed("service-quotas", "list_services", "Services")
        if is_iot_service(service["ServiceName"])
    ]
    return [
        (quota["QuotaName"], quota["Value"])
        for code in codes
        for quota in clients.listed(
            "service-quotas", "list_service_quotas", "Quotas", ServiceCode=code
        )
        if is_rollout_quota(quota["QuotaName"])
    ]


def is_iot_service(name: str) -> bool:
    """Whether a service runs jobs: IoT Core, or IoT Device Management."""
    words = name.lower()
    return "iot core" in words or "iot device management" in words


def is_rollout_quota(name: str) -> bool:
    """Whether a quota bounds how fast a job is rolled out."""
    words = name.lower()
    return "job" in words and "rollout" in words
