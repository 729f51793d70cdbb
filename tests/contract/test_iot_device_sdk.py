"""The AWS IoT Device SDK for Python against the local cloud: a device that nobody here wrote."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cbor2
import pytest
from awscrt import http, io, mqtt
from awsiot import iotidentity, iotjobs
from tests.support.sdk_connection import SECONDS, sdk_connection
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import DeviceIdentity, MakeDevice

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

BLOCK = 4096
QOS = mqtt.QoS.AT_LEAST_ONCE


def test_its_jobs_client_takes_a_job_and_reports_success(
    clients: AwsClients, connection: mqtt.Connection, thing: DeviceIdentity, unique: str
) -> None:
    jobs = iotjobs.IotJobsClient(connection)
    started: Future[Any] = Future()
    updated: Future[Any] = Future()
    for subscribe in (
        jobs.subscribe_to_start_next_pending_job_execution_accepted(
            iotjobs.StartNextPendingJobExecutionSubscriptionRequest(thing_name=thing.thing_name),
            QOS,
            started.set_result,
        ),
        jobs.subscribe_to_update_job_execution_accepted(
            iotjobs.UpdateJobExecutionSubscriptionRequest(
                thing_name=thing.thing_name, job_id=f"sdk-{unique}"
            ),
            QOS,
            updated.set_result,
        ),
    ):
        subscribe[0].result(SECONDS)
    thing_arn = clients.iot.describe_thing(thingName=thing.thing_name)["thingArn"]
    clients.iot.create_job(
        jobId=f"sdk-{unique}", targets=[thing_arn], document='{"command": "update"}'
    )

    jobs.publish_start_next_pending_job_execution(
        iotjobs.StartNextPendingJobExecutionRequest(thing_name=thing.thing_name), QOS
    ).result(SECONDS)
    execution = started.result(SECONDS).execution
    jobs.publish_update_job_execution(
        iotjobs.UpdateJobExecutionRequest(
            thing_name=thing.thing_name,
            job_id=execution.job_id,
            status=iotjobs.JobStatus.SUCCEEDED,
            expected_version=execution.version_number,
        ),
        QOS,
    ).result(SECONDS)
    updated.result(SECONDS)

    assert execution.job_document == {"command": "update"}
    job = clients.iot.describe_job(jobId=f"sdk-{unique}")["job"]
    assert job["status"] == "COMPLETED"
    assert job["jobProcessDetails"]["numberOfSucceededThings"] == 1


def test_it_hears_jobs_answers_without_a_subscription(
    connection: mqtt.Connection, thing: DeviceIdentity
) -> None:
    heard: queue.Queue[str] = queue.Queue()
    connection.disconnect().result(SECONDS)

    def takes() -> bool:
        """Only while it is disconnected, which on a busy machine comes after its future."""
        try:
            connection.on_message(lambda topic, **_: heard.put(topic))
        except RuntimeError:
            return False
        return True

    wait_until(takes, "the disconnected SDK")
    connection.connect().result(SECONDS)
    base = f"$aws/things/{thing.thing_name}/jobs"

    for suffix in ("get", "no-such-job/update"):
        connection.publish(f"{base}/{suffix}", "{}", QOS)[0].result(SECONDS)

    assert heard.get(timeout=SECONDS) == f"{base}/get/accepted"
    assert heard.get(timeout=SECONDS) == f"{base}/no-such-job/update/rejected"


@pytest.mark.parametrize("fmt", ["json", "cbor"])
def test_it_fetches_a_file_through_the_stream_topics(
    *,
    clients: AwsClients,
    connection: mqtt.Connection,
    thing: DeviceIdentity,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
    fmt: str,
) -> None:
    image = os.urandom(300_000)
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/sdk", Body=image)
    clients.iot.create_stream(
        streamId=f"sdk-{unique}",
        files=[{"fileId": 3, "s3Location": {"bucket": firmware_bucket, "key": f"{unique}/sdk"}}],
        roleArn=stream_role_arn,
    )
    load, dump = (json.loads, json.dumps) if fmt == "json" else (cbor2.loads, cbor2.dumps)
    base = f"$aws/things/{thing.thing_name}/streams/sdk-{unique}"
    answers: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def on_message(topic: str, payload: bytes, **_: Any) -> None:
        answers.put((topic.split("/")[-2], load(payload)))

    for verb in ("description", "data", "rejected"):
        connection.subscribe(f"{base}/{verb}/{fmt}", QOS, on_message)[0].result(SECONDS)

    connection.publish(f"{base}/describe/{fmt}", dump({"c": "d"}), QOS)[0].result(SECONDS)
    verb, description = answers.get(timeout=SECONDS)
    assert verb == "description"
    [file] = description["r"]
    blocks: dict[int, bytes] = {}
    count = -(-file["z"] // BLOCK)
    while len(blocks) < count:
        request = {"s": 1, "f": file["f"], "l": BLOCK, "o": len(blocks), "n": 16}
        connection.publish(f"{base}/get/{fmt}", dump(request), QOS)[0].result(SECONDS)
        for _ in range(min(16, count - len(blocks))):
            verb, data = answers.get(timeout=SECONDS)
            assert verb == "data"
            blocks[data["i"]] = data["p"] if fmt == "cbor" else base64.b64decode(data["p"])

    assert b"".join(blocks[number] for number in sorted(blocks)) == image
    clients.iot.delete_stream(streamId=f"sdk-{unique}")


def test_its_step_timer_and_a_job_for_the_group_above(
    clients: AwsClients, connection: mqtt.Connection, thing: DeviceIdentity, unique: str
) -> None:
    parent, child = f"{unique}-parent", f"{unique}-child"
    arn = clients.iot.create_thing_group(thingGroupName=parent)["thingGroupArn"]
    clients.iot.create_thing_group(thingGroupName=child, parentGroupName=parent)
    clients.iot.add_thing_to_thing_group(thingGroupName=child, thingName=thing.thing_name)
    job_id = f"sdk-{unique}"
    clients.iot.create_job(jobId=job_id, targets=[arn], document="{}")
    jobs = iotjobs.IotJobsClient(connection)
    answers: queue.Queue[Any] = queue.Queue()
    update = iotjobs.UpdateJobExecutionSubscriptionRequest(
        thing_name=thing.thing_name, job_id=job_id
    )
    for subscribe in (
        jobs.subscribe_to_update_job_execution_accepted,
        jobs.subscribe_to_update_job_execution_rejected,
    ):
        subscribe(update, QOS, answers.put)[0].result(SECONDS)

    def step(minutes: int) -> Any:
        jobs.publish_update_job_execution(
            iotjobs.UpdateJobExecutionRequest(
                thing_name=thing.thing_name,
                job_id=job_id,
                status=iotjobs.JobStatus.IN_PROGRESS,
                step_timeout_in_minutes=minutes,
                include_job_execution_state=True,
            ),
            QOS,
        ).result(SECONDS)
        return answers.get(timeout=SECONDS)

    too_long, taken = step(10_081), step(20)
    left = clients.iot.describe_job_execution(jobId=job_id, thingName=thing.thing_name)

    assert too_long.code == iotjobs.RejectedErrorCode.INVALID_REQUEST
    assert taken.execution_state.status == iotjobs.JobStatus.IN_PROGRESS
    assert 0 < left["execution"]["approximateSecondsBeforeTimedOut"] <= 20 * 60
    clients.iot.delete_job(jobId=job_id, force=True)


def test_it_hears_of_a_scheduled_job_only_when_it_begins(
    clients: AwsClients, connection: mqtt.Connection, thing: DeviceIdentity, unique: str
) -> None:
    arn = clients.iot.describe_thing(thingName=thing.thing_name)["thingArn"]
    start = datetime.now(UTC) + timedelta(hours=10)
    schedule = {"startTime": f"{start:%Y-%m-%dT%H:%M}"}
    clients.iot.create_job(
        jobId=f"later-{unique}", targets=[arn], document="{}", schedulingConfig=schedule
    )
    jobs = iotjobs.IotJobsClient(connection)
    answers: queue.Queue[Any] = queue.Queue()
    jobs.subscribe_to_get_pending_job_executions_accepted(
        iotjobs.GetPendingJobExecutionsSubscriptionRequest(thing_name=thing.thing_name),
        QOS,
        answers.put,
    )[0].result(SECONDS)

    jobs.publish_get_pending_job_executions(
        iotjobs.GetPendingJobExecutionsRequest(thing_name=thing.thing_name), QOS
    ).result(SECONDS)
    pending = answers.get(timeout=SECONDS)

    assert not pending.queued_jobs
    assert not pending.in_progress_jobs
    clients.iot.delete_job(jobId=f"later-{unique}", force=True)


def test_its_http_client_fetches_a_presigned_url_by_https(
    *,
    cloud: RunningCloud,
    clients: AwsClients,
    connection: mqtt.Connection,
    thing: DeviceIdentity,
    firmware_bucket: str,
    stream_role_arn: str,
    unique: str,
) -> None:
    image = os.urandom(100_000)
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/url", Body=image)
    where = f"https://s3.us-east-1.amazonaws.com/{firmware_bucket}/{unique}/url"
    arn = clients.iot.describe_thing(thingName=thing.thing_name)["thingArn"]
    jobs = iotjobs.IotJobsClient(connection)
    started: Future[Any] = Future()
    jobs.subscribe_to_start_next_pending_job_execution_accepted(
        iotjobs.StartNextPendingJobExecutionSubscriptionRequest(thing_name=thing.thing_name),
        QOS,
        started.set_result,
    )[0].result(SECONDS)
    clients.iot.create_job(
        jobId=f"url-{unique}",
        targets=[arn],
        document=json.dumps({"url": f"${{aws:iot:s3-presigned-url:{where}}}"}),
        presignedUrlConfig={"roleArn": stream_role_arn, "expiresInSec": 3600},
    )
    jobs.publish_start_next_pending_job_execution(
        iotjobs.StartNextPendingJobExecutionRequest(thing_name=thing.thing_name), QOS
    ).result(SECONDS)
    url = urlsplit(started.result(SECONDS).execution.job_document["url"])
    trust = io.TlsContextOptions()
    trust.override_default_trust_store_from_path(None, cloud.address.ca_file)
    tls = io.ClientTlsContext(trust).new_connection_options()
    tls.set_server_name(url.hostname)
    client = http.HttpClientConnection.new(
        host_name=url.hostname, port=url.port, tls_connection_options=tls
    ).result(SECONDS)
    request = http.HttpRequest("GET", f"{url.path}?{url.query}")
    request.headers.add("host", url.netloc)
    body, statuses = bytearray(), list[int]()

    answer = client.request(
        request,
        lambda http_stream, status_code, headers, **_: statuses.append(status_code),
        lambda http_stream, chunk, **_: body.extend(chunk),
    )
    answer.activate()
    answer.completion_future.result(SECONDS)

    assert (statuses, bytes(body)) == ([200], image)
    clients.iot.delete_job(jobId=f"url-{unique}", force=True)


def test_it_hears_of_a_job_when_its_group_becomes_a_further_target(
    clients: AwsClients, connection: mqtt.Connection, thing: DeviceIdentity, unique: str
) -> None:
    iot, job_id = clients.iot, f"on-{unique}"
    first, further = (
        iot.create_thing_group(thingGroupName=f"{which}-{unique}")["thingGroupArn"]
        for which in ("first", "further")
    )
    iot.add_thing_to_thing_group(thingGroupName=f"further-{unique}", thingName=thing.thing_name)
    heard: queue.Queue[Any] = queue.Queue()
    iotjobs.IotJobsClient(connection).subscribe_to_next_job_execution_changed_events(
        iotjobs.NextJobExecutionChangedSubscriptionRequest(thing_name=thing.thing_name),
        QOS,
        heard.put,
    )[0].result(SECONDS)

    iot.create_job(jobId=job_id, targets=[first], document='{"a": 1}', targetSelection="CONTINUOUS")
    iot.associate_targets_with_job(jobId=job_id, targets=[further])
    execution = heard.get(timeout=SECONDS).execution
    iot.delete_job(jobId=job_id, force=True)
    after = heard.get(timeout=SECONDS).execution

    assert (execution.job_id, execution.job_document) == (job_id, {"a": 1})
    assert after is None
    assert heard.empty(), "it was no target before"


def test_its_identity_client_registers_a_thing_as_the_registry_takes_it(
    cloud: RunningCloud, clients: AwsClients, make_device: MakeDevice, unique: str
) -> None:
    iot, template = clients.iot, f"template-{unique}"
    iot.create_thing_group(thingGroupName=f"parent-{unique}")
    iot.create_thing_group(thingGroupName=f"child-{unique}", parentGroupName=f"parent-{unique}")
    iot.create_thing_type(thingTypeName=f"type-{unique}")
    resources = {
        "thing": {
            "Type": "AWS::IoT::Thing",
            "Properties": {
                "ThingName": {"Ref": "Serial"},
                "AttributePayload": {"line": "a"},
                "ThingGroups": [f"child-{unique}"],
                "ThingTypeName": f"type-{unique}",
            },
        },
        "certificate": {
            "Type": "AWS::IoT::Certificate",
            "Properties": {
                "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"},
                "Status": "Active",
            },
        },
    }
    body = {"Parameters": {"Serial": {"Type": "String"}}, "Resources": resources}
    iot.create_provisioning_template(
        templateName=template,
        templateBody=json.dumps(body),
        enabled=True,
        provisioningRoleArn=_provisioning_role(clients, unique),
    )
    claim = make_device(f"claim-{unique}")
    with _may_provision(clients, claim), sdk_connection(cloud, claim) as connection:
        identity = iotidentity.IotIdentityClient(connection)
        made = _asked(
            identity.subscribe_to_create_keys_and_certificate_accepted,
            identity.subscribe_to_create_keys_and_certificate_rejected,
            iotidentity.CreateKeysAndCertificateSubscriptionRequest(),
            identity.publish_create_keys_and_certificate,
            iotidentity.CreateKeysAndCertificateRequest(),
        )
        registered = _asked(
            identity.subscribe_to_register_thing_accepted,
            identity.subscribe_to_register_thing_rejected,
            iotidentity.RegisterThingSubscriptionRequest(template_name=template),
            identity.publish_register_thing,
            iotidentity.RegisterThingRequest(
                template_name=template,
                certificate_ownership_token=made.certificate_ownership_token,
                parameters={"Serial": f"made-{unique}"},
            ),
        )
    name = registered.thing_name
    thing = iot.describe_thing(thingName=name)
    inside = iot.list_things_in_thing_group(thingGroupName=f"parent-{unique}", recursive=True)
    certificate = iot.describe_certificate(certificateId=made.certificate_id)
    validity = certificate["certificateDescription"]["validity"]

    assert (name, thing["thingTypeName"], thing["attributes"]) == (
        f"made-{unique}",
        f"type-{unique}",
        {"line": "a"},
    )
    assert inside["things"] == [name]
    assert validity["notBefore"] <= datetime.now(UTC) < validity["notAfter"]
    iot.delete_provisioning_template(templateName=template)


@contextlib.contextmanager
def _may_provision(clients: AwsClients, device: DeviceIdentity) -> Iterator[None]:
    """A further policy for a device's certificate."""
    name = f"claim-{device.thing_name}"
    statement = {"Effect": "Allow", "Action": "iot:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    (principal,) = clients.iot.list_thing_principals(thingName=device.thing_name)["principals"]
    clients.iot.create_policy(policyName=name, policyDocument=document)
    clients.iot.attach_policy(policyName=name, target=principal)
    try:
        yield
    finally:
        clients.iot.detach_policy(policyName=name, target=principal)
        clients.iot.delete_policy(policyName=name)


def _provisioning_role(clients: AwsClients, unique: str) -> str:
    """A role in which AWS IoT may register things."""

    def document(**statement: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]})

    name, service = f"provisioning-{unique}", {"Service": "iot.amazonaws.com"}
    trust = document(Principal=service, Action="sts:AssumeRole")
    role = clients.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    access = document(Action="iot:*", Resource="*")
    clients.iam.put_role_policy(RoleName=name, PolicyName="things", PolicyDocument=access)
    return str(role["Role"]["Arn"])


def _asked(accepted: Any, rejected: Any, subscription: Any, publish: Any, request: Any) -> Any:
    """The answer to a request of the SDK's."""
    answers: queue.Queue[Any] = queue.Queue()
    for subscribe in (accepted, rejected):
        subscribe(subscription, QOS, answers.put)[0].result(SECONDS)
    publish(request, QOS).result(SECONDS)
    answer = answers.get(timeout=SECONDS)
    assert not isinstance(answer, iotidentity.ErrorResponse), answer
    return answer
