"""A decision is taken only while it can still change something."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.unit.deploy.test_wave_versions import VersionSite
from tests.unit.deploy.test_waves import FAILED, Site

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.deploy.observer import Moment, Observer
from otactl.errors import UserMistake
from otactl.model.wave import Act
from otactl.operations.deciding import decide_at, new_decision


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class AtTheEnd(Observer):
    def on_step(self, moment):
        if moment.step.key == "waves/end" and moment.moment is Moment.BEGUN:
            raise Killed


def decided(it, act):
    clients = AwsClients(AwsSettings(region="us-east-1"))
    return decide_at(it.path, act, clients=clients, now_ms=1, wave=None, comment="no")


@pytest.mark.parametrize("act", list(Act))
def test_after_the_last_gate_nothing_is_recorded_that_nothing_would_read(tmp_path, act):
    it = VersionSite(tmp_path)
    with pytest.raises(Killed):
        it.run(AtTheEnd())

    with pytest.raises(UserMistake, match="have decided: wave rest: pass") as caught:
        decided(it, act)

    assert "otactl rollback" in caught.value.hint
    assert it.decisions.read() == ()
    it.journal.close()


def test_a_gate_that_failed_cannot_be_rejected_any_more(tmp_path):
    it = Site(tmp_path)
    it.jobs.fates |= dict.fromkeys(it.waves["canary"], FAILED)
    with pytest.raises(Killed):
        it.run(AtTheEnd())

    with pytest.raises(UserMistake, match="have decided: wave canary: fail"):
        decided(it, Act.REJECT)
    it.journal.close()


def test_a_decision_is_dated_by_the_clock_of_aws():
    # A worker compares it with the instant at which a rollback began, by that clock.
    sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:aws:iam::1:user/ann"})
    clients = SimpleNamespace(sts=sts, aws_time_ms=900_000)

    decision = new_decision(Act.APPROVE, None, clients=clients, now_ms=600_000, comment="")

    assert (decision.identity, decision.at_ms) == ("arn:aws:iam::1:user/ann", 900_000)
