"""What AWS would refuse, told without otactl: the service models, and the rules they lack.

``Recorder`` puts otactl's own AWS classes on clients that validate and build every request as
botocore does, and then answer it themselves, so nothing leaves the process. ``model_faults``
checks what botocore leaves to the service: maxima, patterns and enumerations of the model.
``service_faults`` are the rules that are in no model; numbers and sources are aws-facts' (A, B, C,
D, I3), written down here a second time on purpose.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.jobs import IotJobs
from otactl.aws.streams import IotStreams
from otactl.deploy.ports import CreateJobRequest, StreamRequest
from otactl.model.alarm import deployed_alarm_name
from otactl.model.wave import wave_job_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.model.configuration import DeploymentConfiguration


class _Answer:
    status_code = 200


class Recorder:
    """Clients that take every valid request and remember its parameters."""

    def __init__(self) -> None:
        self.clients = AwsClients(
            AwsSettings(region="us-east-1", access_key_id="test", secret_access_key="test")
        )
        self.requests: list[tuple[str, Any, dict[str, Any]]] = []
        for client in (self.clients.iot, self.clients.cloudwatch):
            events = client.meta.events
            events.register("provide-client-params.*.*", self._record)
            events.register("before-call.*.*", self._answer)

    def _record(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.requests.append((model.name, model.input_shape, params))

    def _answer(self, **_: Any) -> tuple[_Answer, dict[str, Any]]:
        return _Answer(), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    def faults(self) -> list[str]:
        """What AWS would refuse of all that was asked so far; forgets it."""
        faults: list[str] = []
        for operation, shape, params in self.requests:
            faults += [f"{operation} {fault}" for fault in model_faults(shape, params)]
            faults += [f"{operation} {fault}" for fault in service_faults(operation, params)]
        self.requests.clear()
        return faults


def ask_for_everything(configuration: DeploymentConfiguration, recorder: Recorder) -> None:
    """Make every request the configuration decides about."""
    jobs = {configuration.job_id: configuration.job}
    if configuration.waves is not None:
        jobs = {
            wave_job_id(configuration.job_id, wave.name): wave.job
            for wave in configuration.waves.waves
        }
    for job_id, job in jobs.items():
        IotJobs(recorder.clients).create(
            CreateJobRequest(
                job_id=job_id,
                targets=("arn:aws:iot:us-east-1:123456789012:thing/t",),
                document="{}",
                description="otactl",
                configuration=job,
                tags=configuration.tags,
            )
        )
    IotStreams(recorder.clients).create(
        StreamRequest(
            stream_id=configuration.stream_name(255),
            file_id=255,
            bucket=configuration.bucket,
            key="firmware/x",
            version_id=None,
            role_arn=configuration.role_arn,
            description="otactl",
            tags=configuration.tags,
        )
    )
    for alarm in configuration.alarms:
        CloudWatchAlarms(recorder.clients).put(
            deployed_alarm_name(configuration.job_id, alarm.name),
            alarm,
            job_id=configuration.job_id,
            description="otactl",
        )


def model_faults(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Constraints of a botocore shape that a value breaks."""
    limits = shape.metadata
    if shape.type_name == "structure":
        for name, member in value.items():
            yield from model_faults(shape.members[name], member, f"{path}.{name}")
        yield from (f"{path} lacks {name}" for name in shape.required_members if name not in value)
        return
    if shape.type_name == "list":
        for index, member in enumerate(value):
            yield from model_faults(shape.member, member, f"{path}[{index}]")
    size = len(value) if isinstance(value, str | list) else value
    if isinstance(size, int | float) and not (
        limits.get("min", size) <= size <= limits.get("max", size)
    ):
        yield f"{path} is out of range: {size}"
    pattern = limits.get("pattern")
    if pattern and "\\p" not in pattern and not re.fullmatch(pattern, value, re.ASCII):
        yield f"{path} does not match {pattern}: {value!r}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{path} is none of {limits['enum']}: {value!r}"


def service_faults(operation: str, params: dict[str, Any]) -> list[str]:
    """Rules of the service that its model does not tell."""
    rules = {
        "CreateJob": (_rollout, _abort, _timeout, _retry, _schedule, _tags),
        "CreateStream": (_tags,),
        "PutMetricAlarm": (_alarm,),
    }
    return [fault for rule in rules[operation] for fault in rule(params)]


def _decimals(number: float) -> int:
    return len(repr(float(number)).partition(".")[2].rstrip("0"))


def _rollout(params: dict[str, Any]) -> Iterator[str]:
    rollout = params.get("jobExecutionsRolloutConfig")
    if rollout is None:
        return
    maximum, rate = rollout.get("maximumPerMinute"), rollout.get("exponentialRate")
    if maximum is None or not 1 <= maximum <= 1000:
        yield f"maximumPerMinute {maximum}"
    if rate is not None:
        if not 1 <= rate["baseRatePerMinute"] < maximum:
            yield f"baseRatePerMinute {rate['baseRatePerMinute']} of {maximum}"
        if not 1.1 <= rate["incrementFactor"] <= 5 or _decimals(rate["incrementFactor"]) > 1:
            yield f"incrementFactor {rate['incrementFactor']}"
        if len(rate["rateIncreaseCriteria"]) != 1:
            yield f"rateIncreaseCriteria {rate['rateIncreaseCriteria']}"


def _abort(params: dict[str, Any]) -> Iterator[str]:
    criteria = params.get("abortConfig", {}).get("criteriaList", [])
    types = [criterion["failureType"] for criterion in criteria]
    if len(types) != len(set(types)):
        yield f"the same abort type twice: {types}"
    for criterion in criteria:
        percentage = criterion["thresholdPercentage"]
        if not 0 < percentage <= 100 or _decimals(percentage) > 2:
            yield f"thresholdPercentage {percentage}"


def _timeout(params: dict[str, Any]) -> Iterator[str]:
    timeout = params.get("timeoutConfig")
    if timeout is not None and not 1 <= timeout["inProgressTimeoutInMinutes"] <= 10_080:
        yield f"timeoutConfig {timeout}"


def _retry(params: dict[str, Any]) -> Iterator[str]:
    criteria = params.get("jobExecutionsRetryConfig", {}).get("criteriaList", [])
    types = [criterion["failureType"] for criterion in criteria]
    if "ALL" in types and len(types) > 1:
        yield f"ALL is not alone: {types}"
    if sum(criterion["numberOfRetries"] for criterion in criteria) > 10:
        yield f"more than ten retries: {criteria}"
    if "TIMED_OUT" in types and "timeoutConfig" not in params:
        yield "TIMED_OUT retries without a timeout"


def _schedule(params: dict[str, Any]) -> Iterator[str]:
    schedule = params.get("schedulingConfig")
    if schedule is None:
        return
    if not schedule:
        yield "an empty schedule"
    times = [schedule[name] for name in ("startTime", "endTime") if name in schedule]
    for moment in times:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", moment):
            yield f"moment {moment}"
    if len(times) == 2:
        start, end = map(datetime.fromisoformat, times)
        if not timedelta(minutes=30) <= end - start <= timedelta(days=731):
            yield f"schedule from {start} to {end}"
    if schedule.get("maintenanceWindows") and params["targetSelection"] != "CONTINUOUS":
        yield "maintenance windows for a SNAPSHOT job"


def _tags(params: dict[str, Any]) -> Iterator[str]:
    tags = params.get("tags", [])
    if len(tags) > 50:
        yield f"{len(tags)} tags"
    for tag in tags:
        if tag["Key"].lower().startswith("aws:") or not re.fullmatch(
            r"[\w\s.:/=+\-@]*", tag["Key"]
        ):
            yield f"tag {tag['Key']!r}"


def _alarm(params: dict[str, Any]) -> Iterator[str]:
    period, span = params["Period"], params["Period"] * params["EvaluationPeriods"]
    if period not in (10, 20, 30) and period % 60:
        yield f"Period {period}"
    if span > (86_400 if period < 3600 else 604_800):
        yield f"{period} x {params['EvaluationPeriods']}"
    if not 1 <= params["DatapointsToAlarm"] <= params["EvaluationPeriods"]:
        yield f"DatapointsToAlarm {params['DatapointsToAlarm']}"
    if ("Statistic" in params) == ("ExtendedStatistic" in params):
        yield "not exactly one of Statistic and ExtendedStatistic"
    percentile = re.fullmatch(r"p([0-9.]+)", params.get("ExtendedStatistic", "p1"))
    if percentile is None or not 0 <= float(percentile[1]) <= 100:
        yield f"ExtendedStatistic {params['ExtendedStatistic']}"
    if params["TreatMissingData"] not in ("breaching", "notBreaching", "ignore", "missing"):
        yield f"TreatMissingData {params['TreatMissingData']}"
    if params["Threshold"] != params["Threshold"] or abs(params["Threshold"]) > 2.0**360:
        yield f"Threshold {params['Threshold']}"
    for topic in params["AlarmActions"]:
        if not re.fullmatch(r"arn:aws[\w-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+", topic, re.ASCII):
            yield f"action {topic}"
