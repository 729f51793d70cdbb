"""AWS goes away, or the session expires, at instants of a real deployment; then the user resumes.

The whole series, at every call, is in memory: ``tests/unit/deploy/test_faults.py``. Here are nine
instants of the plan that ``test_killed`` kills, with the real adapters and the local cloud.
"""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.test_killed import QUICK, dev_ini, environment, thing_names  # noqa: F401

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.inventory import take_inventory
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.observer import Observer
from otactl.deploy.planner import PlanOptions
from otactl.deploy.store import DeploymentStore
from otactl.operations.clock import CommandClock
from otactl.operations.deployment import begin, make_plan, run_deployment
from otactl.operations.load import load_deployment

#: Fifteen minutes of patience take a second and a half.
SPEED = 600


class Raw(BytesIO):
    """What urllib3 gives botocore to read."""

    def stream(self, **_):
        yield self.read()


class Trouble(Observer):
    """From an instant on, no request is answered, or each is refused."""

    def __init__(self, clients, key, moment, *, expired):
        self._at, self._expired = (key, moment), expired
        self._is_on = False
        for client in (clients.iot, clients.s3, clients.cloudwatch):
            client.meta.events.register("before-send", self._before_send)

    def on_step(self, moment):
        self._is_on = self._is_on or (moment.step.key, moment.moment) == self._at

    def _before_send(self, request, **_):
        if not self._is_on:
            return None
        if not self._expired:
            raise EndpointConnectionError(endpoint_url=request.url)
        body = b'{"message": "The security token included in the request is expired"}'
        headers = {"x-amzn-errortype": "ExpiredTokenException", "content-type": "application/json"}
        if ".s3." in request.url or "bucket" in request.url:
            body = b"<Error><Code>ExpiredToken</Code><Message>expired</Message></Error>"
            headers = {"content-type": "application/xml"}
        return AWSResponse(request.url, 403, headers, Raw(body))


def note_deletions(clients, looking):
    """The status each job had when DeleteJob was called on it."""
    seen = []

    def before_call(params, **_):
        job_id = params["url_path"].rpartition("/")[2]
        seen.append(looking.iot.describe_job(jobId=job_id)["job"]["status"])

    clients.iot.meta.events.register("before-call.iot.DeleteJob", before_call)
    return seen


def cases():
    for number, (key, moment) in enumerate(sorted(QUICK)):
        marks = () if number in (0, 4) else (pytest.mark.slow,)
        name = f"{key}-{moment.lower()}"
        yield pytest.param(key, moment, bool(number % 2), marks=marks, id=name)


@pytest.mark.parametrize(("key", "moment", "expired"), list(cases()))
def test_trouble_with_aws_is_resumed_to_the_undisturbed_end(
    key, moment, expired, dev_ini, environment, clients, thing_names, firmware_bucket, unique  # noqa: F811
):  # fmt: skip
    before = take_inventory(clients, (firmware_bucket,))
    settings = replace(environment.clients.settings, max_attempts=1)
    troubled = replace(
        environment,
        clients=AwsClients(settings),
        clock=CommandClock(speed=SPEED),
        poll_seconds=0.2 * SPEED,
    )
    loaded = load_deployment(dev_ini)
    plan = make_plan(loaded, troubled, PlanOptions(detail_limit=10))
    deletions = note_deletions(troubled.clients, AwsClients(AwsSettings(**_known(settings))))
    observer = Trouble(troubled.clients, key, moment, expired=expired)
    with DeviceLoop(clients, thing_names) as devices:
        first = begin(loaded, plan, troubled)
        _, failure = run_deployment(first, replace(troubled, observer=observer))
        assert failure is not None
        assert failure.exit_code == 3
        assert first.phase is not Phase.FINISHED
        first.close()

        resumed = Journal.open(DeploymentStore(environment.state_dir).path(plan.deployment_id))
        deletions_then = note_deletions(environment.clients, clients)
        result, failure = run_deployment(resumed, environment)

    assert failure is None
    assert result.is_success
    assert resumed.outcome is Outcome.SUCCEEDED
    assert len(devices.documents) == 2 * len(thing_names)
    assert set(deletions + deletions_then) == {"COMPLETED"}
    resumed.close()
    assert take_inventory(clients, (firmware_bucket,)) <= before


def _known(settings):
    names = ("region", "endpoint_url", "access_key_id", "secret_access_key")
    return {name: getattr(settings, name) for name in names}
