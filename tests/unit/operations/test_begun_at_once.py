"""A journal has its plan and the things of its plan, or nothing: whatever kills its process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.rollback_world import RollbackSite

from otactl.deploy.journal import Journal
from otactl.errors import UserMistake
from otactl.operations.deployment import begin


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class Deadly(tuple):
    """The process is killed when these are entered."""

    __slots__ = ()

    def __iter__(self):
        raise Killed


def at_the_targets(plan):
    listed = replace(plan.choice.thing_list, things=Deadly())
    return {"choice": replace(plan.choice, thing_list=listed)}


def at_the_things_left_out(plan):
    return {"choice": replace(plan.choice, left_out=Deadly())}


def at_the_waves(plan):
    return {"wave_things": (*plan.wave_things, Deadly())}


def at_the_excepted(plan):
    return {"excepted": Deadly()}


@pytest.mark.parametrize(
    "killed", [at_the_targets, at_the_things_left_out, at_the_waves, at_the_excepted]
)
def test_killed_before_all_is_entered_nothing_can_be_resumed(tmp_path, killed):
    # Resumed without its things it would fill an empty group, and miss nothing.
    it = RollbackSite(tmp_path, dict.fromkeys(("a", "b", "c"), "1.0"), waveList="canary:1")
    plan = it.plan()

    with pytest.raises(Killed):
        begin(it.loaded, plan.model_copy(update=killed(plan)), it.environment)

    path = it.store.path(plan.deployment_id)
    with pytest.raises(UserMistake, match="lacks its plan: it is incomplete"):
        _ = Journal.read(path).plan
    assert list(it.store.journals()) == []
