"""``otactl doctor --live`` on the local cloud: whole, within its budget, and gone after a kill."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import environment, run_program

from otactl.aws.call_budget import BudgetedCounter
from otactl.aws.inventory import take_inventory
from otactl.errors import Interrupted
from otactl.operations.fleet_address import BrokerOptions
from otactl.operations.frontend import Frontend
from otactl.operations.live_check.points import Point
from otactl.operations.live_check.run import BUDGET, run_live
from otactl.operations.load import load_deployment
from otactl.operations.location_options import LocationOptions

#: Enough to remove what an earlier run left, and for nothing of its own.
ONLY_REMOVES = replace(BUDGET, calls=BUDGET.reserved_calls + 1)


@pytest.fixture
def dev_ini(clients, firmware_bucket, stream_role_arn, tmp_path, unique) -> Path:
    clients.iot.create_thing(thingName=f"live-{unique}")
    return Deployable(
        folder=tmp_path,
        thing_names=[f"live-{unique}"],
        bucket=firmware_bucket,
        role_arn=stream_role_arn,
        job_id=f"live-{unique}",
    ).write()


@pytest.fixture
def account(clients, firmware_bucket):
    """All that an account holds of what a check creates."""

    def holds() -> frozenset[str]:
        iot = clients.iot
        pages = iot.get_paginator("list_certificates").paginate()
        return take_inventory(clients, (firmware_bucket,)) | {
            *(f"thing/{thing['thingName']}" for thing in iot.list_things()["things"]),
            *(f"policy/{policy['policyName']}" for policy in iot.list_policies()["policies"]),
            *(each["certificateArn"] for page in pages for each in page["certificates"]),
        }

    return holds


@pytest.fixture
def check(cloud, dev_ini, tmp_path, monkeypatch):
    """Run a check in this process, as this cloud's user."""
    address = cloud.address
    for name, text in address.environment().items():
        monkeypatch.setenv(name, text)
    where = LocationOptions(endpoint_url=address.endpoint_url, state_dir=tmp_path / "state")
    broker = BrokerOptions(address.mqtt_host, address.mqtt_port, Path(address.ca_file))
    loaded = load_deployment(dev_ini)

    def run(calls: BudgetedCounter, frontend: Frontend | None = None):
        return run_live(loaded, where, broker, frontend or Frontend(), calls=calls)

    return run


class DyingCounter(BudgetedCounter):
    """Kills its own process instead of a request."""

    def __init__(self, calls: int) -> None:
        super().__init__(BUDGET)
        self._last = calls

    def count(self, name: str) -> None:
        if sum(self.snapshot().values()) >= self._last:
            os.kill(os.getpid(), signal.SIGKILL)
        super().count(name)


class Notes(Frontend):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)


def test_two_images_arrive_both_ways_and_nothing_stays(cloud, dev_ini, account, tmp_path):
    before = account()
    env = environment(cloud) | {"OTACTL_STATE_DIR": str(tmp_path / "state")}
    run = run_program("doctor", str(dev_ini), "--live", "--yes", "-o", "json", env=env)

    assert run.returncode == 0, run.stderr
    live = json.loads(run.stdout)["live"]
    assert [(each["sizeBytes"], each["way"], each["verified"]) for each in live["deliveries"]] == [
        (4096, "stream", True),
        (4096, "URL", True),
        (204800, "stream", True),
        (204800, "URL", True),
    ]
    # The local cloud is what otactl assumes, so it agrees on every point, and each was asked.
    seen = {each["point"].partition(" ")[2]: each["agrees"] for each in live["observations"]}
    assert seen == dict.fromkeys((point.value for point in Point), True)
    assert sum(live["calls"].values()) <= BUDGET.calls
    assert live["calls"]["iot:CreateThing"] == 1
    assert live["left"] == []
    assert account() == before
    assert not list((tmp_path / "state").rglob("*.pem"))


def test_it_asks_before_anything_is_created(cloud, dev_ini, account, tmp_path):
    before = account()
    env = environment(cloud) | {"OTACTL_STATE_DIR": str(tmp_path / "state")}
    run = run_program("doctor", str(dev_ini), "--live", env=env)

    assert run.returncode == 2
    assert "--yes" in run.stderr
    assert account() == before
    assert run_program("doctor", "--live", "--yes", env=env).returncode == 2  # needs FILE


def test_an_account_that_is_not_ready_gets_nothing(cloud, dev_ini, account, firmware_bucket):
    dev_ini.write_text(dev_ini.read_text().replace(firmware_bucket, "there-is-no-such-bucket"))
    before = account()
    run = run_program("doctor", str(dev_ini), "--live", "--yes", env=environment(cloud))

    assert run.returncode == 1
    assert "nothing was created: --live needs a ready account" in run.stderr
    assert account() == before


class Stopping(Frontend):
    """Asks the check to stop, as Ctrl-C does, when the thing has its images."""

    def handle_signals(self, clock, doing):
        self._clock = clock
        return super().handle_signals(clock, doing)

    def note(self, message: str) -> None:
        if "testing what" in message:
            self._clock.ask_to_stop(signal.SIGINT)


def test_ctrl_c_removes_everything(check, account, tmp_path):
    before = account()
    counter = BudgetedCounter(BUDGET)

    with pytest.raises(Interrupted):
        check(counter, Stopping())

    assert counter.snapshot()["iot:CreateJob"] == 4  # those with images; no question was asked
    assert account() == before
    assert not list((tmp_path / "state").rglob("record.json"))


@pytest.mark.parametrize("calls", [pytest.param(12, marks=pytest.mark.slow), 24])
def test_no_budget_is_exceeded_and_its_reserve_removes_everything(check, account, calls):
    before = account()
    budget = replace(BUDGET, calls=BUDGET.reserved_calls + calls)
    counter = BudgetedCounter(budget)

    report = check(counter)

    assert sum(counter.snapshot().values()) <= budget.calls
    assert "would exceed" in report.failure + str(report.observations)
    assert report.left == ()
    assert account() == before


#: After so many requests all jobs are there; the long series kills at each of them.
QUICK = (24,)


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(number, marks=() if number in QUICK else pytest.mark.slow)
        for number in range(1, 74)
    ],
)
def test_what_a_killed_check_left_the_next_one_removes(check, account, calls):
    before = account()
    child = os.fork()
    if child == 0:  # pragma: no cover - ends by SIGKILL
        try:
            check(DyingCounter(calls))
        finally:
            os._exit(99)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it ended before {calls} requests"
    notes = Notes()

    report = check(BudgetedCounter(ONLY_REMOVES), notes)

    assert account() == before
    assert report.left == ()
    assert any("which was killed" in note for note in notes.notes)
