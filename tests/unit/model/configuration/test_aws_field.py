"""The AWS field that the reference names for a key is the one that changes with the key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.session import get_session
from tests.support.aws_oracle import Recorder, ask_for_everything
from tests.support.dev_ini import FULL, TOPIC, configuration_of, rendered

from otactl.model.configuration.catalogue import Key, all_keys

_FIELD = re.compile(r"(?P<service>[a-z0-9]+):(?P<operation>[A-Z]\w+) (?P<path>[\w.\[\]]+)")
_SERVICES = ("iot", "cloudwatch")

#: Another valid value for each key that becomes a field of a request the recorder sees; where
#: the other value is valid only together with a change elsewhere, that is named too.
OTHER: dict[str, dict[str, str]] = {
    "DEFAULT.roleArn": {"DEFAULT.roleArn": "arn:aws:iam::123456789012:role/other"},
    "DEFAULT.jobId": {"DEFAULT.jobId": "other"},
    "DEFAULT.bucket": {"DEFAULT.bucket": "other-bucket"},
    "DEFAULT.streamId": {"DEFAULT.streamId": "other"},
    "DEFAULT.targetSelection": {
        "DEFAULT.targetSelection": "SNAPSHOT",
        "SCHEDULING_CONFIG.maintenanceWindowList": "",
    },
    "DEFAULT.usePresignedUrlConfig": {
        "DEFAULT.usePresignedUrlConfig": "False",
        "AFR_OTA_CONFIG.protocols": "MQTT",
    },
    "DEFAULT.useJobExecutionsRolloutConfig": {"DEFAULT.useJobExecutionsRolloutConfig": "False"},
    "DEFAULT.useAbortConfig": {"DEFAULT.useAbortConfig": "False"},
    "DEFAULT.useTimeoutConfig": {
        "DEFAULT.useTimeoutConfig": "False",
        "RETRY_CONFIG.numberOfRetriesTimedOut": "",
    },
    "DEFAULT.useRetryConfig": {"DEFAULT.useRetryConfig": "False"},
    "DEFAULT.useSchedulingConfig": {"DEFAULT.useSchedulingConfig": "False"},
    "PRESIGNED_URL_CONFIG.roleArn": {
        "PRESIGNED_URL_CONFIG.roleArn": "arn:aws:iam::123456789012:role/other"
    },
    "PRESIGNED_URL_CONFIG.expiresInSec": {"PRESIGNED_URL_CONFIG.expiresInSec": "60"},
    "JOB_EXECUTE_ROLLOUT_CONFIG.maximumPerMinute": {
        "JOB_EXECUTE_ROLLOUT_CONFIG.maximumPerMinute": "99"
    },
    "JOB_EXECUTE_ROLLOUT_CONFIG.useExponentialRateCfg": {
        "JOB_EXECUTE_ROLLOUT_CONFIG.useExponentialRateCfg": "False"
    },
    "EXP_RATE_CONFIG.baseRatePerMinute": {"EXP_RATE_CONFIG.baseRatePerMinute": "11"},
    "EXP_RATE_CONFIG.incrementFactor": {"EXP_RATE_CONFIG.incrementFactor": "1.6"},
    "INCREASE_CRITERIA.numberOfNotifiedThings": {"INCREASE_CRITERIA.numberOfNotifiedThings": "16"},
    "INCREASE_CRITERIA.numberOfSucceededThings": {
        "INCREASE_CRITERIA.numberOfNotifiedThings": "None",
        "INCREASE_CRITERIA.numberOfSucceededThings": "16",
    },
    "ABORT_CONFIG.useAllSubsection": {"ABORT_CONFIG.useAllSubsection": "True"},
    "ABORT_CONFIG.useFailedSubsection": {"ABORT_CONFIG.useFailedSubsection": "False"},
    "ABORT_CONFIG.useRejectedSubsection": {"ABORT_CONFIG.useRejectedSubsection": "False"},
    "ABORT_CONFIG.useTimedOutSubsection": {"ABORT_CONFIG.useTimedOutSubsection": "False"},
    **{
        f"ABORT_CONFIG_TYPE_{failure_type}.{key}": {
            f"ABORT_CONFIG_TYPE_{failure_type}.{key}": value,
            "ABORT_CONFIG.useAllSubsection": str(failure_type == "ALL"),
        }
        for failure_type in ("ALL", "FAILED", "REJECTED", "TIMED_OUT")
        for key, value in (("thresholdPercentage", "7.5"), ("minNumberOfExecutedThings", "7"))
    },
    "TIMEOUT_CONFIG.inProgressTimeoutInMinutes": {"TIMEOUT_CONFIG.inProgressTimeoutInMinutes": "7"},
    "ALARM_CONFIG.alarmList": {"ALARM_CONFIG.alarmList": "Lower"},
    "ALARM_CONFIG_<alarm_name>.namespace": {"ALARM_CONFIG_Upper.namespace": "AWS/IoT"},
    "ALARM_CONFIG_<alarm_name>.metricName": {"ALARM_CONFIG_Upper.metricName": "retryCount"},
    "ALARM_CONFIG_<alarm_name>.stat": {"ALARM_CONFIG_Upper.stat": "Sum"},
    "ALARM_CONFIG_<alarm_name>.period": {"ALARM_CONFIG_Upper.period": "120"},
    "ALARM_CONFIG_<alarm_name>.threshold": {"ALARM_CONFIG_Upper.threshold": "-1.5"},
    "ALARM_CONFIG_<alarm_name>.alarmType": {"ALARM_CONFIG_Upper.alarmType": "lower"},
    "ALARM_CONFIG_<alarm_name>.evaluationPeriods": {"ALARM_CONFIG_Upper.evaluationPeriods": "6"},
    "ALARM_CONFIG_<alarm_name>.datapointsToAlarm": {"ALARM_CONFIG_Upper.datapointsToAlarm": "2"},
    "ALARM_CONFIG_<alarm_name>.snsTopics": {"ALARM_CONFIG_Upper.snsTopics": TOPIC + "2"},
    "ALARM_CONFIG_<alarm_name>.treatMissingData": {"ALARM_CONFIG_Upper.treatMissingData": "ignore"},
    "RETRY_CONFIG.numberOfRetriesAll": {
        "RETRY_CONFIG.numberOfRetriesAll": "3",
        "RETRY_CONFIG.numberOfRetriesFailed": "None",
        "RETRY_CONFIG.numberOfRetriesTimedOut": "None",
    },
    "RETRY_CONFIG.numberOfRetriesFailed": {"RETRY_CONFIG.numberOfRetriesFailed": "3"},
    "RETRY_CONFIG.numberOfRetriesTimedOut": {"RETRY_CONFIG.numberOfRetriesTimedOut": "3"},
    "SCHEDULING_CONFIG.startTime": {"SCHEDULING_CONFIG.startTime": "2027-03-01 03:00"},
    "SCHEDULING_CONFIG.endTime": {"SCHEDULING_CONFIG.endTime": "2027-03-02 03:00"},
    "SCHEDULING_CONFIG.endBehavior": {"SCHEDULING_CONFIG.endBehavior": "STOP_ROLLOUT"},
    "SCHEDULING_CONFIG.maintenanceWindowList": {"SCHEDULING_CONFIG.maintenanceWindowList": ""},
    "MAINTENANCE_WINDOW_<window_name>.startTime": {
        "MAINTENANCE_WINDOW_Night.startTime": "cron(0 3 ? * * *)"
    },
    "MAINTENANCE_WINDOW_<window_name>.durationInMinutes": {
        "MAINTENANCE_WINDOW_Night.durationInMinutes": "61"
    },
    "TAGS.<tag>": {"TAGS.team": "other"},
}

#: Keys whose field is not decided by the configuration alone, or can have one value only; the
#: tests of the deployment look at them.
NOT_SEEN_HERE = {
    "DEFAULT.thingList",
    "CUSTOM_JOB_DOCUMENT.jobDocSrcCfg",
    "CUSTOM_JOB_DOCUMENT.jobDocPath",
    "EXP_RATE_CONFIG.useRateIncreaseCriteria",
    *(
        f"ABORT_CONFIG_TYPE_{each}.failureType"
        for each in ("ALL", "FAILED", "REJECTED", "TIMED_OUT")
    ),
}


def fields_of(key: Key) -> list[tuple[str, str, str]]:
    """Service, operation and path of the fields a key becomes."""
    fields = [match.group("service", "operation", "path") for match in _FIELD.finditer(key.becomes)]
    return [field for field in fields if field[0] in _SERVICES]


def requests_of(text: str) -> dict[str, Any]:
    """Every leaf of every request, by operation and path; list positions do not count."""
    recorder = Recorder()
    ask_for_everything(configuration_of(text), recorder)
    leaves: dict[str, Any] = {}
    for operation, _, params in recorder.requests:
        for path, leaf in flattened(params):
            leaves.setdefault(f"{operation} {path}", []).append(leaf)
    return leaves


def flattened(value: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [
            leaf
            for name, member in value.items()
            for leaf in flattened(member, f"{path}.{name}".lstrip("."))
        ]
    if isinstance(value, list):
        return [leaf for member in value for leaf in flattened(member, f"{path}[]")]
    return [(path, value)]


def with_changes(changes: dict[str, str]) -> str:
    sections = {name: dict(keys) for name, keys in FULL.items()}
    for name, value in changes.items():
        section, _, key = name.rpartition(".")
        sections[section][key] = value
    return "\n".join(rendered(sections))


@pytest.fixture(scope="module")
def unchanged() -> dict[str, Any]:
    return requests_of(with_changes({}))


KEYS_WITH_FIELD = [key for key in all_keys() if fields_of(key)]


def test_every_key_with_a_field_is_looked_at():
    assert {key.full_name for key in KEYS_WITH_FIELD} == set(OTHER) | NOT_SEEN_HERE


@pytest.mark.parametrize("key", KEYS_WITH_FIELD, ids=lambda key: key.full_name)
def test_the_field_exists_in_the_service_model(key: Key):
    for service, operation, path in fields_of(key):
        shape = get_session().get_service_model(service).operation_model(operation).input_shape
        for name in path.split("."):
            shape = shape.members[name.removesuffix("[]")]
            if name.endswith("[]"):
                shape = shape.member


@pytest.mark.parametrize("name", sorted(OTHER))
def test_the_field_changes_with_the_key(name: str, unchanged: dict[str, Any]):
    (key,) = [key for key in all_keys() if key.full_name == name]

    changed = requests_of(with_changes(OTHER[name]))

    different = {leaf for leaf in unchanged | changed if unchanged.get(leaf) != changed.get(leaf)}
    for _, operation, path in fields_of(key):
        assert any(leaf.startswith(f"{operation} {path}") for leaf in different), different
