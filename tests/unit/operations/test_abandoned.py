from __future__ import annotations

import os

import pytest
from tests.support.plan import a_plan_with

from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.store import DeploymentStore
from otactl.operations.rehearsal.abandoned import (
    end_abandoned_journals,
    remove_abandoned_folders,
    work_folder,
)

OLD = (1_000_000, 1_000_000)


def a_folder(parent, name, *, locked=True):
    folder = parent / name
    folder.mkdir()
    (folder / "key.pem").write_text("secret")
    if locked:
        (folder / "cloud.lock").touch()
    os.utime(folder, OLD)
    return folder


def test_folders_of_processes_that_are_gone_are_removed_and_no_others(tmp_path):
    gone = {a_folder(tmp_path, "otactl-rehearsal-a"), a_folder(tmp_path, "otactl-cloud-b")}
    kept = {
        a_folder(tmp_path, "otactl-rehearsal-c", locked=False),
        a_folder(tmp_path, "somebody-elses"),
    }
    young = a_folder(tmp_path, "otactl-rehearsal-young")
    os.utime(young)
    link = tmp_path / "otactl-rehearsal-link"
    link.symlink_to(a_folder(tmp_path, "target"))

    assert set(remove_abandoned_folders(tmp_path)) == gone
    assert not any(folder.exists() for folder in gone)
    assert all(folder.exists() for folder in (*kept, young, link))


def test_the_folder_of_a_rehearsal_under_way_stays():
    with work_folder() as folder:
        os.utime(folder, OLD)

        assert remove_abandoned_folders(folder.parent) is not None
        assert folder.exists()
    assert not folder.exists()


@pytest.fixture
def store(tmp_path):
    return DeploymentStore(tmp_path)


def a_journal(store, number, *, rehearsal):
    deployment_id = f"2026112{number}T120000Z-abcdef"
    plan = a_plan_with(deployment_id=deployment_id)
    return Journal.create(store.path(deployment_id), plan, now_ms=0, about={"rehearsal": rehearsal})


def test_a_killed_rehearsal_runs_no_longer_and_nothing_else_is_touched(store):
    a_journal(store, 1, rehearsal=True).close()
    a_journal(store, 2, rehearsal=False).close()
    at_work = a_journal(store, 3, rehearsal=True)

    ended = end_abandoned_journals(store)

    assert ended == ["20261121T120000Z-abcdef"]
    journal = Journal.read(store.path(ended[0]))
    assert (journal.phase, journal.outcome) == (Phase.FINISHED, Outcome.FAILED)
    assert "was killed" in (journal.failure or "")
    journal.close()
    assert at_work.phase is Phase.RUNNING
    at_work.close()
    other = Journal.read(store.path("20261122T120000Z-abcdef"))
    assert other.phase is Phase.RUNNING
    other.close()
