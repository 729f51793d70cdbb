"""A rollback that is killed at any instant and called again ends as one that was not."""

from __future__ import annotations

import sqlite3
from io import StringIO

import pytest
from rich.console import Console
from tests.support.rollback_world import FAILED_EARLY, SUCCEEDED, RollbackSite
from tests.unit.deploy.test_waves_killed import Killed, Killer

from otactl.deploy.journal import Journal
from otactl.errors import Interrupted
from otactl.operations.rollback.run import RollbackRun
from otactl.operations.stored_deployment import rollback_is_left
from otactl.views.rollback_table import print_rollback

#: The quick run takes every 13th instant.
QUICK = 13
NAMES = [f"t{number:02}" for number in range(30)]


def deployed(folder) -> RollbackSite:
    """Two former versions, and a canary of which some took the image."""
    former = dict.fromkeys(NAMES[::2], "1.0") | dict.fromkeys(NAMES[1::2], "0.9")
    it = RollbackSite(folder, former, waveList="canary:12")
    it.deploy({"canary": [FAILED_EARLY, FAILED_EARLY, *[SUCCEEDED] * 10]})
    it.took(*it.waves["canary"][2:])
    return it


def again(it: RollbackSite):
    it.close()
    it.journal = Journal.open(it.journal.path)
    return it.roll_back()


@pytest.mark.parametrize("stride", [QUICK, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
def test_killed_at_any_instant_it_goes_on_to_the_same_end(tmp_path, stride):
    undisturbed = deployed(tmp_path / "undisturbed")
    count = Killer()
    assert undisturbed.roll_back(observer=count).failure is None
    expected, began = undisturbed.taken_back, undisturbed.jobs.began
    undisturbed.close()
    assert len(expected) == 2

    for at in range(1, count.instants + 1, stride):
        it = deployed(tmp_path / str(at))
        with pytest.raises(Killed):
            it.roll_back(observer=Killer(at))
        assert rollback_is_left(it.journal, it.store), at

        report = again(it)

        assert report.failure is None, at
        assert it.taken_back == expected, at
        assert it.jobs.began == began, at
        it.close()


@pytest.mark.parametrize("half", ["never written", "half written"])
def test_killed_between_two_journals_the_other_version_is_not_forgotten(tmp_path, half):
    undisturbed = deployed(tmp_path / "undisturbed")
    undisturbed.roll_back()
    undisturbed.close()
    it = deployed(tmp_path / "killed")
    with pytest.raises(Killed):
        it.roll_back(observer=AtFirstStep())
    newest = it.store.path(it.store.ids()[0])
    if half == "never written":
        newest.unlink()
    else:
        with sqlite3.connect(newest) as connection:
            connection.execute("DELETE FROM wave_thing")

    report = again(it)

    assert report.failure is None
    assert it.taken_back == undisturbed.taken_back
    assert it.jobs.began == undisturbed.jobs.began
    it.close()


def test_a_dry_run_names_the_rollback_that_was_killed_and_goes_on(tmp_path):
    it = deployed(tmp_path)
    with pytest.raises(Killed):
        it.roll_back(observer=AtFirstStep())

    killed = RollbackRun(it.journal, it.loaded, it.environment, is_dry=True).run()
    again(it)
    done = RollbackRun(it.journal, it.loaded, it.environment, is_dry=True).run()

    assert not killed.plans
    assert sorted(one.job_id for one in killed.begun) == ["TestJob1234-rb-1", "TestJob1234-rb-2"]
    assert sum(one.things for one in killed.begun) == 10
    assert not any(one.has_ended for one in killed.begun)
    assert all(one.has_ended for one in done.begun)
    words = printed(killed)
    assert "rollback TestJob1234-rb-1 of 5 things has not ended and goes on first" in words
    assert "nothing more of deployment" in printed(done)
    it.close()


def test_who_interrupts_a_rollback_hears_how_it_goes_on(tmp_path):
    it = deployed(tmp_path)

    report = it.roll_back(observer=InterruptedAtFirstStep())

    assert isinstance(report.failure, Interrupted)
    (note,) = it.frontend.notes
    assert f"`otactl rollback {it.journal.plan.deployment_id}` resumes it" in note
    it.close()


def printed(report) -> str:
    console = Console(file=StringIO(), width=200)
    print_rollback(console, report)
    return console.file.getvalue()


class AtFirstStep(Killer):
    """Dies before the first step of the first rollback: every journal is there, nothing else."""

    def on_step(self, moment):
        raise Killed


class InterruptedAtFirstStep(Killer):
    """Ctrl-C before the first step of the first rollback."""

    def on_step(self, moment):
        raise Interrupted
