"""Small ``dev.ini`` texts for tests: a valid one, and the same with something changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.errors import ConfigurationInvalid
from otactl.model.configuration import parse_configuration

if TYPE_CHECKING:
    from otactl.errors.problem import Problem
    from otactl.model.configuration import DeploymentConfiguration

ROLE = "arn:aws:iam::123456789012:role/stream"
TOPIC = "arn:aws:sns:us-east-1:123456789012:email-notification"

REQUIRED = {
    "thingList": "thingsList.txt",
    "binName": "test.bin",
    "roleArn": ROLE,
    "jobId": "TestJob1234",
    "bucket": "ota-bucket",
    "region": "us-east-1",
    "streamId": "TestStream1234",
}
ALARM = {
    "namespace": "IoT:OTA:JobExecution",
    "metricName": "downloadTime",
    "stat": "p99",
    "period": "60",
    "threshold": "3600",
    "alarmType": "upper",
    "evaluationPeriods": "5",
    "datapointsToAlarm": "3",
    "snsTopics": TOPIC,
}

#: A valid file with every section of the manual and of ours, switched on.
FULL: dict[str, dict[str, str]] = {
    "DEFAULT": {
        "thingList": "things.txt",
        "binName": "fw.bin",
        "roleArn": ROLE,
        "jobId": "job",
        "rounds": "1",
        "bucket": "bucket",
        "cleanUpCfg": "True",
        "debug": "False",
        "defaultDelay": "5",
        "region": "us-east-1",
        "streamId": "stream",
        "iotApiSleepTime": "50",
        "fileChunkSize": "8192",
        "targetSelection": "CONTINUOUS",
        "documentFormat": "otactl, afr_ota",
        "useCustomJobDocument": "True",
        "usePresignedUrlConfig": "True",
        "useJobExecutionsRolloutConfig": "True",
        "useAbortConfig": "True",
        "useTimeoutConfig": "True",
        "useRetryConfig": "True",
        "useSchedulingConfig": "True",
        "useSigningConfig": "True",
    },
    "CUSTOM_JOB_DOCUMENT": {"jobDocSrcCfg": "local_file", "jobDocPath": "doc.json"},
    "AFR_OTA_CONFIG": {
        "filePath": "fw.bin",
        "certificateName": "codesign.crt",
        "fileType": "0",
        "protocols": "MQTT, HTTP",
    },
    "PRESIGNED_URL_CONFIG": {"roleArn": ROLE, "expiresInSec": "3600"},
    "JOB_EXECUTE_ROLLOUT_CONFIG": {"maximumPerMinute": "100", "useExponentialRateCfg": "True"},
    "EXP_RATE_CONFIG": {
        "baseRatePerMinute": "10",
        "incrementFactor": "1.5",
        "useRateIncreaseCriteria": "True",
    },
    "INCREASE_CRITERIA": {"numberOfNotifiedThings": "15", "numberOfSucceededThings": "None"},
    "ABORT_CONFIG": {
        "useAllSubsection": "False",
        "useFailedSubsection": "True",
        "useRejectedSubsection": "True",
        "useTimedOutSubsection": "True",
    },
    **{
        f"ABORT_CONFIG_TYPE_{kind}": {
            "failureType": kind,
            "thresholdPercentage": "10.99",
            "minNumberOfExecutedThings": "1",
        }
        for kind in ("ALL", "FAILED", "REJECTED", "TIMED_OUT")
    },
    "TIMEOUT_CONFIG": {"inProgressTimeoutInMinutes": "60"},
    "RETRY_CONFIG": {"numberOfRetriesFailed": "5", "numberOfRetriesTimedOut": "5"},
    "SCHEDULING_CONFIG": {
        "startTime": "2027-03-01 02:00",
        "endTime": "2027-03-02 02:00",
        "endBehavior": "CANCEL",
        "maintenanceWindowList": "Night",
    },
    "MAINTENANCE_WINDOW_Night": {"startTime": "cron(0 2 ? * MON *)", "durationInMinutes": "60"},
    "ALARM_CONFIG": {"alarmList": "Upper,Lower"},
    **{
        f"ALARM_CONFIG_{name}": {
            "namespace": "IoT:OTA:JobExecution",
            "metricName": "downloadTime",
            "stat": "p99",
            "period": "60",
            "threshold": "3600",
            "alarmType": name.lower(),
            "evaluationPeriods": "5",
            "datapointsToAlarm": "3",
            "snsTopics": TOPIC,
        }
        for name in ("Upper", "Lower")
    },
    "IMAGE_CONFIG": {"imageVer": "1.0", "includeSha256": "True"},
    "SIGNING_CONFIG": {
        "source": "key",
        "privateKeyPath": "key.pem",
        "kmsKey": "alias/firmware",
        "signingProfile": "firmware",
    },
    "API_CONFIG": {"uploadConcurrency": "4", "maxAttempts": "8"},
    "TAGS": {"team": "firmware"},
    "LINT_CONFIG": {"waive_X": "because"},
}

#: The same with waves, which need SNAPSHOT jobs.
FULL_WITH_WAVES: dict[str, dict[str, str]] = FULL | {
    "DEFAULT": FULL["DEFAULT"]
    | {
        "targetSelection": "SNAPSHOT",
        "useWaveConfig": "True",
        "useVerifyConfig": "True",
        "useEligibilityConfig": "True",
    },
    "SCHEDULING_CONFIG": FULL["SCHEDULING_CONFIG"] | {"maintenanceWindowList": ""},
    "WAVE_CONFIG": {
        "waveList": "canary:50, early:10%, rest",
        "requiredEndedPercentage": "80",
        "requiredSucceededPercentage": "95",
        "requiredVerifiedPercentage": "90",
        "soakMinutes": "60",
        "maximumMinutes": "1440",
        "approval": "False",
        "alarmList": "crashes",
        "alarmMissingData": "wait",
        "sampleSeed": "1",
        "preferRecent": "False",
        "exceptThings": "except.txt",
        "openDays": "14",
        "groupFillPerSecond": "50",
        "compare": "True",
        "minimumDifference": "1",
        "requireComparison": "False",
        "onGateFailure": "stop",
    },
    "ELIGIBILITY_CONFIG": {
        "fromVersions": "0.1..0.9",
        "hardware": "attributes.board: rev-b, rev-c",
        "skipIfCurrent": "True",
        "offlineDays": "30",
        "unknownVersion": "skip",
        "maximumReads": "10000",
    },
    "ROLLBACK_CONFIG": {
        "imageList": "0.9: old.bin as 1.1",
        "withoutFormerImage": "stop",
        "keepImages": "True",
        "openDays": "30",
    },
    "VERIFY_CONFIG": {
        "source": "firmware",
        "versionPath": "app.version",
        "expectedVersion": "1.0",
        "verifyMinutes": "30",
        "darkMinutes": "10",
        "keepAliveSeconds": "1200",
        "bootCountPath": "boots",
        "maximumBoots": "2",
    },
    "WAVE_CONFIG_canary": {"maximumPerMinute": "60", "approval": "True", "size": "5"},
}


def rendered(sections: dict[str, dict[str, str]]) -> list[str]:
    """The lines of a file."""
    return [
        line
        for name, keys in sections.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in keys.items()))
    ]


def section(name: str, **keys: str | None) -> str:
    """One section; keys whose value is None are left out."""
    lines = [f"{key} = {value}" for key, value in keys.items() if value is not None]
    return "\n".join([f"[{name}]", *lines, ""])


def dev_ini(*sections: str, **default: str | None) -> str:
    """A valid file with changed keys in [DEFAULT], and more sections."""
    return "\n".join([section("DEFAULT", **{**REQUIRED, **default}), *sections])


def alarm_ini(**changes: str | None) -> str:
    """A valid file with one alarm, some keys of which are changed."""
    return dev_ini(
        section("ALARM_CONFIG", alarmList="Slow"),
        section("ALARM_CONFIG_Slow", **{**ALARM, **changes}),
    )


def configuration_of(text: str, **arguments: object) -> DeploymentConfiguration:
    """The configuration of a text that is valid."""
    return parse_configuration(text, file_name="dev.ini", **arguments).configuration  # type: ignore[arg-type]


def problems_of(text: str, **arguments: object) -> tuple[Problem, ...]:
    """Everything a text is told, whether it is valid or not."""
    try:
        return parse_configuration(text, file_name="dev.ini", **arguments).warnings  # type: ignore[arg-type]
    except ConfigurationInvalid as error:
        return error.problems


def found(text: str, **arguments: object) -> list[tuple[str, str, str, str]]:
    """Severity, section, key and code of each problem, in order."""
    return [
        (problem.severity.value, problem.section, problem.key, problem.code)
        for problem in problems_of(text, **arguments)
    ]
