"""A journal can be read whatever its process left behind, and one that cannot is passed over."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from tests.support.plan import a_plan_with

from otactl.deploy.journal import Journal, Phase
from otactl.deploy.journal_file import JournalLocked, JournalUnusable
from otactl.deploy.journal_reader import JournalReader
from otactl.deploy.store import DeploymentStore
from otactl.errors import LocalResourceMissing, UserMistake

WHOLE, BROKEN = "20261128T120000Z-aaaaaa", "20261128T120001Z-bbbbbb"


@pytest.fixture
def store(tmp_path):
    return DeploymentStore(tmp_path)


def written(store, deployment_id):
    """The journal of a deployment that does nothing; returns its file."""
    plan = a_plan_with(deployment_id=deployment_id)
    path = store.path(deployment_id)
    Journal.create(path, plan, now_ms=1, about={}).close()
    return path


def killed_while_writing(path):
    """Leave the files as a process leaves them that dies in the middle of a transaction."""
    work = path.with_suffix(".work")
    shutil.copy(path, work)
    connection = sqlite3.connect(work)
    # A small cache spills into the file before the transaction ends, as a large one does late.
    connection.execute("PRAGMA cache_size = 1")
    connection.execute("UPDATE deployment SET content = 'half' WHERE name = 'phase'")
    connection.executemany(
        "INSERT INTO target VALUES (?, ?)", ((number, "arn" * 100) for number in range(1000))
    )
    shutil.copy(work, path)
    shutil.copy(f"{work}-journal", f"{path}-journal")
    connection.close()


def test_the_first_reader_after_a_kill_takes_back_what_was_half_written(store):
    path = written(store, WHOLE)
    killed_while_writing(path)

    journal = Journal.read(path)

    assert journal.phase is Phase.RUNNING
    assert list(journal.targets()) == []
    journal.close()


def test_a_reader_writes_nothing(store):
    journal = Journal.read(written(store, WHOLE))

    with pytest.raises(JournalUnusable, match="readonly"):
        journal.enter_phase(Phase.FINISHED)
    journal.close()


def test_a_journal_can_be_read_while_it_is_written(store):
    path = written(store, WHOLE)

    writer = Journal.open(path)
    reader = Journal.read(path)
    writer.enter_phase(Phase.CLEANING)

    assert reader.phase is Phase.CLEANING
    reader.close()
    writer.close()


def empty(path):
    path.write_bytes(b"")


def damaged(path):
    path.write_bytes(b"no database at all" * 1000)


def of_another_version(path):
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE deployment SET content = '{\"shape\": 9}' WHERE name = 'plan'")
    connection.close()


@pytest.mark.parametrize("spoil", [empty, damaged, of_another_version])
def test_what_cannot_be_read_is_named_and_passed_over(store, spoil):
    written(store, WHOLE)
    path = written(store, BROKEN)
    spoil(path)

    with pytest.raises(UserMistake, match=BROKEN):
        _ = Journal.read(path).plan
    assert [found for found, _ in store.journals()] == [WHOLE]


def test_a_file_system_without_locks_is_no_other_process(store, monkeypatch):
    path = written(store, WHOLE)

    def refused(_file, _how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refused)

    with pytest.raises(UserMistake, match="No locks available") as caught:
        Journal.open(path)
    assert not isinstance(caught.value, JournalLocked)
    assert not JournalReader(path).is_at_work()
    with pytest.raises(LocalResourceMissing, match="No locks available"):
        written(store, BROKEN)


def test_a_gate_that_a_newer_otactl_wrote_is_named_and_nothing_breaks_on_it(store):
    path = written(store, BROKEN)
    written(store, WHOLE)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('INSERT INTO gate VALUES (1, \'{"verdict": "perhaps"}\')')

    entries = dict(store.entries())

    assert isinstance(entries[BROKEN], UserMistake)
    assert isinstance(entries[WHOLE], Journal)
    assert JournalReader(path).now() is None
    assert JournalReader(path).round_result(1) is None


def test_a_folder_that_cannot_be_read_is_not_empty(tmp_path):
    # A link to itself: no permission of this process's user matters.
    (tmp_path / "deployments").symlink_to(tmp_path / "deployments")

    with pytest.raises(LocalResourceMissing, match="cannot read"):
        DeploymentStore(tmp_path).ids()


def test_a_folder_that_does_not_exist_is_empty(tmp_path):
    assert DeploymentStore(tmp_path / "new").ids() == []
