"""A deployment of one job verifies the versions of its things at its end."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of
from tests.support.version_world import BRICKED, NEW, REVERTED, LiveStates
from tests.support.wave_world import Fate, a_wave_world
from tests.unit.deploy.test_waves import ARN, DEPLOYMENT, FIRMWARE
from tests.unit.model.configuration.test_verify_section import verify_ini

from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome
from otactl.deploy.observer import Observer
from otactl.deploy.planner import Planner, PlanOptions, Request
from otactl.deploy.targeting import Targeting
from otactl.errors import ThingsFailed
from otactl.model.status import ExecutionStatus
from otactl.model.thing_list import ThingList
from otactl.model.verify import VersionVerdict

GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/lab"


class OneJob:
    """Three things of the list and two of a group, one job for all."""

    def __init__(self, folder, **default) -> None:
        self.aws = a_wave_world()
        self.aws.registry.groups["lab"] = ("", ["g1", "g2"])
        self.names = ["t1", "t2", "t3"]
        arns = (*(ARN + name for name in self.names), GROUP)
        configuration = configuration_of(
            verify_ini(default=default, expectedVersion=NEW, verifyMinutes="2", darkMinutes="1")
        )
        request = Request(
            configuration=configuration,
            thing_list=ThingList(file_name="list", things=arns),
            custom_document=None,
            account="123456789012",
            deployment_id=DEPLOYMENT,
            options=PlanOptions(),
        )
        plan = Planner(request, FIRMWARE, "{}").plan(Targeting(arns=arns, gathered=0, things=5))
        self.path = folder / f"{DEPLOYMENT}.sqlite"
        self.journal = Journal.create(self.path, plan, now_ms=0, about={})
        self.journal.enter_targets(arns[:3])
        self.states = LiveStates(
            jobs=self.aws.jobs, registry=self.aws.registry, clock=self.aws.clock
        )
        self.aws.thing_states = self.states

    def run(self):
        executor = Executor(self.journal, self.aws.services, Observer(), dict)
        return executor, executor.run()


@pytest.fixture
def one(tmp_path):
    made = []

    def build(**default) -> OneJob:
        made.append(OneJob(tmp_path, **default))
        return made[-1]

    yield build
    for each in made:
        each.journal.close()


def test_it_succeeds_when_every_thing_reports_the_new_version(one):
    it = one(cleanUpCfg="True")

    executor, result = it.run()

    assert executor.failure is None
    assert result.versions.counts == {VersionVerdict.VERIFIED: 5}
    assert result.to_fields()["versions"]["expected"] == NEW
    assert it.aws.jobs.jobs == {}


def test_it_fails_by_name_when_some_came_back_with_another_one_or_not_at_all(one):
    it = one()
    it.states.returns |= {"t2": REVERTED, "g1": BRICKED}

    executor, result = it.run()

    assert type(executor.failure) is ThingsFailed
    expected = "2 things succeeded and do not run version 2.0: t2 old, g1 silent"
    assert str(executor.failure) == expected
    assert not result.is_complete
    assert it.journal.outcome is Outcome.FAILED
    # The next process says the same.
    again = Executor(it.journal, it.aws.services, Observer(), dict)
    again.run()
    assert type(again.failure) is ThingsFailed
    assert str(again.failure) == str(executor.failure)


def test_things_that_failed_are_the_failure_and_the_others_are_verified_all_the_same(one):
    it = one()
    it.aws.jobs.fates["t1"] = Fate(status=ExecutionStatus.FAILED)

    executor, result = it.run()

    assert "1 of 5 things did not succeed" in str(executor.failure)
    assert result.versions.counts == {VersionVerdict.VERIFIED: 4}
