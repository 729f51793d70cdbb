"""Trouble at every call that a deployment makes, whatever it was doing or waiting for.

The calls are those of an undisturbed run of a plan with one step of every kind. At each of them AWS
goes away for longer than anybody waits, or the session expires; then all is well again and the user
says ``otactl resume``. It must end as the undisturbed run did, and no job that had not ended may
have been deleted on the way.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.support.plan import a_plan_with

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal
from otactl.deploy.observer import Observer
from otactl.deploy.step import (
    AddThings,
    AwaitJob,
    CreateJob,
    CreateStream,
    CreateThingGroup,
    PutAlarm,
    UploadImage,
    UploadJobDocument,
)
from otactl.errors import AwsRefused, AwsUnreachable, CredentialsUnusable
from otactl.model.alarm import Alarm, AlarmType
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import ExecutionStatus, JobStatus

DEPLOYMENT = "20261123T120000Z-abcdef"
THINGS = [f"arn:aws:iot:eu-central-1:123456789012:thing/t{number}" for number in range(2)]
GROUP = f"otactl-{DEPLOYMENT}"
#: Longer than an outage is waited for.
JOB_MS = 1_800_000
POLL_SECONDS = 300


def a_plan(*, clean_up=True):
    """One step of every kind; two rounds when the first one's job goes again."""
    return a_plan_with(
        deployment_id=DEPLOYMENT,
        things=len(THINGS),
        setup=(
            UploadImage(
                bucket="bucket", object_key="firmware/x", path="x", size_bytes=1, sha256="ab" * 32
            ),
            UploadJobDocument(bucket="bucket", object_key="documents/x", document="{}"),
            CreateThingGroup(group_name=GROUP),
            AddThings(group_name=GROUP, things=len(THINGS), concurrency=2),
            PutAlarm(name="slow", alarm=an_alarm(), job_id="job"),
            CreateStream(
                stream_id="stream_1",
                file_id=1,
                bucket="bucket",
                object_key="firmware/x",
                role_arn="arn:aws:iam::123456789012:role/stream",
                tags={},
            ),
        ),
        rounds=tuple(
            (
                CreateJob(
                    round=number,
                    job_id="job",
                    targets=tuple(THINGS),
                    document="{}",
                    configuration=JobConfiguration(),
                    tags={},
                ),
                AwaitJob(
                    round=number,
                    job_id="job",
                    things=len(THINGS),
                    configuration=JobConfiguration(),
                    detail_limit=10,
                    max_wait_seconds=None,
                ),
            )
            for number in range(1, 3 if clean_up else 2)
        ),
        clean_up=clean_up,
        delay_seconds=5,
    )


def an_alarm():
    return Alarm(
        name="slow",
        namespace="IoT:OTA:JobExecution",
        metric_name="downloadTime",
        statistic="p99",
        period_seconds=60,
        threshold=3600.0,
        alarm_type=AlarmType.UPPER,
        evaluation_periods=5,
        datapoints_to_alarm=3,
    )


class Sky:
    """What stands between a deployment and AWS.

    Args:
        aws: The services.
        first_bad: The number of the first call that fails, from 1; all that follow fail too.
        error: What they fail with; None when none does.
        answer_lost: Whether the first one takes effect, and only its answer is lost.
    """

    def __init__(self, aws, *, first_bad=0, error=None, answer_lost=False):
        self.aws = aws
        self.first_bad, self.error, self.answer_lost = first_bad, error, answer_lost
        self.calls = []

    @property
    def services(self):
        services = self.aws.services
        names = ("objects", "streams", "jobs", "registry", "alarms")
        wrapped = {name: Through(self, name, getattr(services, name)) for name in names}
        watch = replace(services.watch, jobs=wrapped["jobs"], poll_seconds=POLL_SECONDS)
        return replace(services, watch=watch, **wrapped)

    def call(self, name, act):
        self.calls.append(name)
        if self.error is None or len(self.calls) < self.first_bad:
            return act()
        if self.answer_lost and len(self.calls) == self.first_bad:
            act()
        raise self.error


class Through:
    """A service behind a sky: each call, and each item of a listing, goes through it."""

    def __init__(self, sky, name, service):
        self._sky, self._name, self._service = sky, name, service

    def __getattr__(self, method):
        def call(*arguments: Any, **named: Any):
            name = f"{self._name}.{method}"
            answer = self._sky.call(
                name, lambda: getattr(self._service, method)(*arguments, **named)
            )
            return self._listing(name, answer) if isinstance(answer, Iterator) else answer

        return call

    def _listing(self, name, items):
        while (item := self._sky.call(f"{name} (next)", lambda: next(items, None))) is not None:
            yield item


OUTAGE = AwsUnreachable("iot", "ConnectTimeoutError", "no route")
FAULTS = {
    "outage": {"error": OUTAGE},
    "outage-and-the-answer-lost": {"error": OUTAGE, "answer_lost": True},
    "expired": {"error": AwsRefused("iot:X", "ExpiredTokenException", "expired")},
    "signed-out": {"error": CredentialsUnusable("the SSO session is over")},
}
ENDS = {
    "success": {},
    "failed": {"fates": {"t1": ExecutionStatus.FAILED}},
    "aborted": {
        "status": JobStatus.CANCELED,
        "reason_code": "ABORT_CANCEL",
        "fates": {"t0": ExecutionStatus.FAILED, "t1": ExecutionStatus.CANCELED},
    },
}


class Trial:
    """Deployments of one plan, each in a world and a journal of its own."""

    def __init__(self, aws, folder, *, clean_up, end):
        self._aws, self._folder, self._plan = aws, folder, a_plan(clean_up=clean_up)
        aws.jobs.takes_ms = JOB_MS
        for name, value in ENDS[end].items():
            setattr(aws.jobs, name, value)

    def run(self, number: int, **fault):
        """Run under a bad sky, then resume under a good one as often as it takes."""
        aws = copy.deepcopy(self._aws)
        path = self._folder / str(number) / f"{DEPLOYMENT}.sqlite"
        journal = Journal.create(path, self._plan, now_ms=0, about={})
        journal.enter_targets(THINGS)
        sky = Sky(aws, first_bad=number, **fault)
        executor = Executor(journal, sky.services, Observer(), dict)
        executor.run()
        reported = executor.failure or executor.clean_up_failure
        if fault:
            assert reported is not None
            assert aws.jobs.deleted_unfinished == [], sky.calls[number - 1]
            journal.close()
            aws.clock.shielded = False
            journal = Journal.open(path)
            executor = Executor(journal, aws.services, Observer(), dict)
            executor.run()
        end = self._end(aws, journal, executor)
        journal.close()
        return end, sky.calls

    def _end(self, aws, journal, executor):
        failure = executor.failure
        return {
            "phase": journal.phase,
            "outcome": journal.outcome,
            "interruption": journal.interruption,
            "failure": (type(failure), str(failure)),
            "clean-up failure": executor.clean_up_failure,
            "rounds": [(each.round, each.status, each.counts) for each in journal.rounds],
            "created": aws.jobs.created,
            "deleted unfinished": aws.jobs.deleted_unfinished,
            "objects": set(aws.objects.stored),
            "claims": aws.objects.claims,
            "streams": set(aws.streams.streams),
            "jobs": set(aws.jobs.jobs),
            "groups": {name: sorted(set(n)) for name, (_, n) in aws.registry.groups.items()},
            "alarms": set(aws.alarms.alarms),
        }


def the_series():
    """Every fault where most can go wrong; the rest of the series in `make test-all`."""
    for end in ENDS:
        for clean_up in (True, False):
            for fault in FAULTS:
                quick = (end, clean_up) == ("success", True) and fault in ("outage", "expired")
                marks = () if quick else (pytest.mark.slow,)
                yield pytest.param(end, clean_up, fault, marks=marks)


@pytest.mark.parametrize(("end", "clean_up", "fault"), list(the_series()))
def test_trouble_at_any_call_is_resumed_to_the_undisturbed_end(aws, tmp_path, end, clean_up, fault):
    trial = Trial(aws, tmp_path, clean_up=clean_up, end=end)
    undisturbed, calls = trial.run(0)
    # One of every kind of step, its undoing, and the looks at a job that takes its time.
    assert {name.partition(".")[0] for name in calls} == {
        "objects", "streams", "jobs", "registry", "alarms",
    }  # fmt: skip
    assert undisturbed["failure"][1] == "None" or end != "success"
    assert undisturbed["deleted unfinished"] == []

    for number in range(1, len(calls) + 1):
        disturbed, _ = trial.run(number, **FAULTS[fault])

        assert disturbed == undisturbed, f"{fault} at call {number}, {calls[number - 1]}"
