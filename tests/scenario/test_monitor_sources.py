"""Whatever a job comes to, polling and events say the same of it in the end."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from tests.conftest import ACCOUNT_ID, REGION
from tests.support.cuttable_proxy import CuttableProxy
from tests.support.event_fate import FATES
from tests.support.scripted_things import scripted_things
from tests.support.watched_job import known, watching

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.job_events import JobEvents
from otactl.model.progress import Source
from otactl.model.status import ExecutionStatus, JobStatus

S = ExecutionStatus
THINGS = 24


@pytest.fixture
def things(clients, unique):
    names = [f"watched-{unique}-{number:02}" for number in range(THINGS)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    yield names
    for name in names:
        clients.iot.delete_thing(thingName=name)


@pytest.fixture
def job(clients, things, unique):
    def create(**parameters):
        job_id = f"job-{unique}"
        clients.iot.create_job(
            jobId=job_id,
            targets=[f"arn:aws:iot:{REGION}:{ACCOUNT_ID}:thing/{name}" for name in things],
            document=json.dumps({"command": "fota"}),
            **parameters,
        )
        return job_id

    yield create
    clients.iot.delete_job(jobId=f"job-{unique}", force=True)


def device(clients, name, *reports):
    """One thing takes its next job and reports; the last report ends its execution."""
    plane = clients.iot_jobs_data
    execution = plane.start_next_pending_job_execution(thingName=name).get("execution")
    for status, details in reports if execution else ():
        plane.update_job_execution(
            jobId=execution["jobId"], thingName=name, status=status, statusDetails=details
        )


def fleet(clients, things, *reports):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: device(clients, name, *reports), things))


def succeed(clients, things):
    fleet(
        clients,
        things,
        ("IN_PROGRESS", {"step": "downloading", "receivedBlocks": "3", "totalBlocks": "9"}),
        ("SUCCEEDED", {"downloadTime": "2.5", "retryCount": "1"}),
    )


def fail(clients, things, reason="flash full"):
    fleet(clients, things, ("FAILED", {"reason": reason, "step": "installing"}))


@pytest.fixture(params=FATES, ids=lambda fate: fate.__name__)
def fate(request):
    """What becomes of the events on their way."""
    return request.param


def both(clients, job_id, act, fate):
    """Play it while both watch, then require that they agree."""
    with ExitStack() as stack:
        reported = stack.enter_context(watching(clients, job_id, events=True, fate=fate))
        polled = stack.enter_context(watching(clients, job_id, events=False))
        reported.wait_for(lambda one: one.source is Source.EVENTS)
        act(reported, polled)
        reported.wait()
        polled.wait()
        assert known(reported) == known(polled)
        return reported, polled


def test_everything_succeeds(clients, things, job, fate):
    reported, _ = both(clients, job(), lambda *_: succeed(clients, things), fate)

    assert reported.last.job.status is JobStatus.COMPLETED
    assert reported.last.job.counts[S.SUCCEEDED] == THINGS
    assert reported.last.download_seconds.count == THINGS


def test_some_fail_some_refuse(clients, things, job, fate):
    def act(*_):
        fail(clients, things[:5])
        fail(clients, things[5:8], "block 123456 never came")
        fleet(clients, things[8:10], ("REJECTED", {"reason": "older than what runs"}))
        succeed(clients, things[10:])

    reported, _ = both(clients, job(), act, fate)

    assert [(group.reason, group.count) for group in reported.last.failures] == [
        ("flash full", 5),
        ("block # never came", 3),
        ("older than what runs", 2),
    ]


def test_failures_that_a_retry_mends(clients, things, job, fate):
    retries = {"criteriaList": [{"failureType": "FAILED", "numberOfRetries": 2}]}
    job_id = job(jobExecutionsRetryConfig=retries)

    def act(*_):
        fail(clients, things[:6])
        fail(clients, things[:3], "still full")
        succeed(clients, things)

    reported, _ = both(clients, job_id, act, fate)

    assert reported.last.job.counts[S.FAILED] == 9
    assert reported.last.failures == ()


def test_a_job_that_aborts_itself(clients, things, job, fate):
    abort = {
        "criteriaList": [
            {
                "failureType": "FAILED",
                "action": "CANCEL",
                "thresholdPercentage": 50.0,
                "minNumberOfExecutedThings": 4,
            }
        ]
    }
    reported, _ = both(clients, job(abortConfig=abort), lambda *_: fail(clients, things[:6]), fate)

    assert reported.last.job.status is JobStatus.CANCELED
    assert reported.last.job.counts[S.CANCELED] >= THINGS - 6


@pytest.mark.parametrize("force", [False, True])
def test_a_job_that_somebody_cancels(clients, things, job, force, fate):
    job_id = job()

    def act(*_):
        succeed(clients, things[:3])
        fleet(clients, things[3:6], ("IN_PROGRESS", {"step": "downloading"}))
        clients.iot.cancel_job(jobId=job_id, force=force, comment="enough")
        if not force:
            for name in things[3:6]:
                clients.iot_jobs_data.update_job_execution(
                    jobId=job_id, thingName=name, status="SUCCEEDED", statusDetails={"a": "b"}
                )

    reported, _ = both(clients, job_id, act, fate)

    assert reported.last.job.comment == "enough"
    assert reported.last.job.counts[S.SUCCEEDED] == (3 if force else 6)


@pytest.mark.parametrize("is_seen", [False, True])
def test_an_execution_that_somebody_takes_out(clients, things, job, fate, is_seen):
    job_id = job()

    def act(*watched):
        fail(clients, things[:2])
        for one in watched if is_seen else ():
            one.wait_for(lambda shown: sum(group.count for group in shown.failures) == 2)
        clients.iot.cancel_job_execution(jobId=job_id, thingName=things[2])
        clients.iot.delete_job_execution(
            jobId=job_id, thingName=things[0], executionNumber=1, force=True
        )
        succeed(clients, things[3:])

    reported, _ = both(clients, job_id, act, fate)

    assert reported.last.job.counts[S.CANCELED] == 1
    assert reported.last.job.counts[S.FAILED] == 1
    assert sum(group.count for group in reported.last.failures) == 2


def test_things_that_time_out(start_cloud, unique, fate):
    cloud = start_cloud(speed=30)  # its minute takes two seconds
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    with scripted_things(clients, [f"slow-{unique}-{number}" for number in range(6)]) as things:
        job_id = things.job(f"slow-{unique}", timeoutConfig={"inProgressTimeoutInMinutes": 1})

        def act(*_):
            things.report(job_id, "SUCCEEDED", *things.names[:2], downloadTime="2.5")
            things.report(job_id, "IN_PROGRESS", *things.names[2:], step="downloading")

        reported, _ = both(clients, job_id, act, fate)

    assert reported.last.job.counts[S.TIMED_OUT] == 4
    assert [(group.reason, group.count) for group in reported.last.failures] == [
        ("last seen downloading", 4)
    ]


def test_things_that_join_while_it_goes_on(clients, things, unique, fate):
    group = f"joining-{unique}"
    arn = clients.iot.create_thing_group(thingGroupName=group)["thingGroupArn"]
    for name in things[:3]:
        clients.iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
    job_id = f"joining-{unique}"
    clients.iot.create_job(jobId=job_id, targets=[arn], document="{}", targetSelection="CONTINUOUS")

    def act(*_):
        succeed(clients, things[:3])
        for name in things[3:8]:
            clients.iot.add_thing_to_thing_group(thingGroupName=group, thingName=name)
        succeed(clients, things[3:5])
        fail(clients, things[5:6])
        clients.iot.cancel_job(jobId=job_id, force=True)

    reported, _ = both(clients, job_id, act, fate)
    clients.iot.delete_job(jobId=job_id, force=True)
    clients.iot.delete_thing_group(thingGroupName=group)

    assert reported.last.job.counts[S.SUCCEEDED] == 5
    assert reported.last.job.counts[S.CANCELED] == 2


def test_a_broken_connection_is_polled_over_and_taken_up_again(cloud, clients, things, job):
    job_id = job()
    with CuttableProxy(cloud.address.endpoint_url) as line, ExitStack() as stack:
        settings = AwsSettings.for_local_cloud(cloud.address, max_attempts=2)
        cut_off = AwsClients(
            AwsSettings(
                region=settings.region,
                endpoint_url=line.endpoint_url,
                access_key_id=settings.access_key_id,
                secret_access_key=settings.secret_access_key,
                max_attempts=2,
            )
        )
        reported = stack.enter_context(watching(cut_off, job_id, events=True))
        polled = stack.enter_context(watching(clients, job_id, events=False))
        reported.wait_for(lambda one: one.source is Source.EVENTS)
        succeed(clients, things[:5])

        line.cut(broker=True)
        reported.wait_for(lambda one: "events stopped" in one.note and one.source is Source.POLLING)
        fail(clients, things[5:9])
        reported.wait_for(lambda one: one.job.counts[S.FAILED] == 4)

        line.mend(broker=True)
        reported.wait_for(lambda one: one.source is Source.EVENTS and one.job.counts[S.FAILED] == 4)
        succeed(clients, things[9:])
        reported.wait()
        polled.wait()

        assert known(reported) == known(polled)
        assert line.broker_connections >= 2


def test_a_network_that_is_gone_for_a_while_is_told_and_borne(cloud, clients, things, job):
    job_id = job()
    with CuttableProxy(cloud.address.endpoint_url) as line:
        address = cloud.address
        cut_off = AwsClients(
            AwsSettings(
                region=address.region,
                endpoint_url=line.endpoint_url,
                access_key_id=address.access_key_id,
                secret_access_key=address.secret_access_key,
                max_attempts=1,
            )
        )
        with (
            watching(cut_off, job_id, events=False) as polled,
            watching(cut_off, job_id, events=True) as reported,
        ):
            polled.wait_for(lambda one: one.job is not None)
            reported.wait_for(lambda one: one.source is Source.EVENTS)
            for broker in (True, False):
                line.cut(broker=broker)
            for one in (polled, reported):
                one.wait_for(lambda shown: "next try in" in shown.note and shown.job is not None)
            succeed(clients, things)
            for broker in (True, False):
                line.mend(broker=broker)
            for one in (polled, reported):
                one.wait()

            assert polled.last.note == ""
            assert polled.last.job.counts[S.SUCCEEDED] == THINGS
            assert known(reported) == known(polled)


@pytest.fixture
def intruder(cloud, clients, unique):
    """Clients that nobody lets listen: a real access key, with another's secret."""
    name = f"intruder-{unique}"
    clients.iam.create_user(UserName=name)
    key = clients.iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    address = cloud.address
    bad = AwsClients(
        AwsSettings(
            region=address.region,
            endpoint_url=address.endpoint_url,
            access_key_id=key,
            secret_access_key="wrong",
        )
    )
    # The API is called with good credentials, the broker with bad ones.
    bad._clients["iot"] = clients.iot
    yield bad
    clients.iam.delete_access_key(UserName=name, AccessKeyId=key)
    clients.iam.delete_user(UserName=name)


# paho lets go of the socket of a refused WebSocket without closing it.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_credentials_that_may_not_listen_are_told_and_polling_goes_on(
    clients, intruder, things, job
):
    job_id = job()
    lost = []
    with (
        watching(clients, job_id, events=False) as polled,
        watching(clients, job_id, events=False) as watched,
        JobEvents(
            intruder,
            [job_id],
            post=lambda message: (lost.append(message), watched.message_queue.post(message)),
        ),
    ):
        reported = watched.wait_for(lambda one: "events stopped" in one.note)
        assert "refused the connection" in reported.note
        assert "wrong" not in reported.note
        succeed(clients, things)
        watched.wait()
        polled.wait()
        assert known(watched) == known(polled)
    assert watched.last.job.counts[S.SUCCEEDED] == THINGS
    assert len(lost) == 1
