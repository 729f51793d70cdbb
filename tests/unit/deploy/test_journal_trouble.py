"""A journal that SQLite cannot write: one message, and everything stays as it is, to be resumed."""

from __future__ import annotations

import sqlite3

import pytest
from tests.unit.deploy.test_executor import DEPLOYMENT, a_plan

from otactl.cli.frontend import TerminalFrontend
from otactl.deploy.consent import Consent
from otactl.deploy.executor import Executor
from otactl.deploy.journal import Journal, Outcome, Phase
from otactl.deploy.journal_file import JournalUnusable
from otactl.deploy.observer import Observer
from otactl.deploy.recorded_result import outcome_words
from otactl.deploy.store import DeploymentStore
from otactl.errors import AwsRefused, JobAborted, UserMistake
from otactl.model.status import ExecutionStatus, JobStatus
from otactl.operations.deployment import failure_to_report, with_what_is_left

MOMENTS = 24


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deployments" / f"{DEPLOYMENT}.sqlite"


class At(Observer):
    """Does something at one of the moments of a deployment."""

    def __init__(self, position, act):
        self._left, self._act = position, act

    def on_step(self, moment):
        self._left -= 1
        if self._left == 0:
            self._act()


def lock(journal, path):
    journal._database._connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path)
    other.execute("BEGIN EXCLUSIVE")
    return other


@pytest.mark.parametrize("position", range(1, MOMENTS, 3))
def test_a_locked_journal_is_told_once_and_nothing_is_deleted(aws, path, position):
    journal = Journal.create(path, a_plan(), now_ms=0, about={})
    held = []
    executor = Executor(
        journal,
        aws.services,
        At(position, lambda: held.append(lock(journal, path))),
        dict,
    )

    with pytest.raises(JournalUnusable, match="locked") as caught:
        executor.run()
    assert f"otactl resume {DEPLOYMENT}" in (caught.value.hint or "")
    assert caught.value.exit_code == 2
    journal.close()
    for connection in held:
        connection.close()

    assert aws.jobs.deleted_unfinished == []
    resumed = Journal.open(path)
    if resumed.phase is not Phase.FINISHED:
        assert resumed.outcome in (None, Outcome.SUCCEEDED)
        assert Executor(resumed, aws.services, Observer(), dict).run().is_success
    assert resumed.outcome is Outcome.SUCCEEDED
    assert aws.is_empty
    resumed.close()


def test_a_full_disk_is_told_in_one_message(path):
    journal = Journal.create(path, a_plan(), now_ms=0, about={})
    connection = journal._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(JournalUnusable, match="full"):
        journal.enter_targets(f"arn:aws:iot:eu-central-1:1:thing/{n}" for n in range(10_000))

    # What could not be written is taken back; what was there before stands.
    assert list(journal.targets()) == []
    assert journal.phase is Phase.RUNNING
    journal.close()


def test_a_finished_journal_that_records_no_outcome_is_no_success(path):
    """As an older otactl wrote them: of a killed and cleaned deployment nothing says more."""
    journal = Journal.create(path, a_plan(), now_ms=0, about={})
    journal.enter_phase(Phase.FINISHED)

    assert journal.outcome is Outcome.UNKNOWN
    assert outcome_words(journal) == "how it ended is not known"
    journal.close()


def test_a_killed_and_cleaned_deployment_did_not_succeed(aws, path):
    journal = Journal.create(path, a_plan(), now_ms=0, about={})

    Executor(journal, aws.services, Observer(), dict).clean(Consent.ENDED)

    assert journal.phase is Phase.FINISHED
    assert journal.outcome is Outcome.CLEANED
    assert "removed by `otactl clean`" in outcome_words(journal)
    journal.close()


def test_cleaning_what_has_ended_changes_nothing_of_how_it_ended(aws, path):
    journal = Journal.create(path, a_plan(clean_up=False), now_ms=0, about={})
    executor = Executor(journal, aws.services, Observer(), dict)
    executor.run()

    executor.clean(Consent.ENDED)

    assert journal.outcome is Outcome.SUCCEEDED
    assert aws.is_empty
    journal.close()


def refuse(*_):
    raise AwsRefused("s3:HeadObject", "403", "Forbidden")


def test_what_fails_after_the_failure_does_not_replace_it(aws, path, capsys):
    """The job was aborted; then clean-up is refused, and so is the look for what is left."""
    aws.jobs.status, aws.jobs.reason_code = JobStatus.CANCELED, "ABORT_CANCEL"
    aws.jobs.fates = {"t0": ExecutionStatus.FAILED}
    journal = Journal.create(path, a_plan(), now_ms=0, about={})
    aws.objects.find = refuse
    aws.objects.put_file = lambda *_, **__: type(
        "Stored", (), {"version_id": None, "created": True}
    )()
    aws.streams.create = lambda _: None
    plan = a_plan()
    setup = (plan.setup[0],)
    journal.close()
    path.unlink()
    plan = plan.model_copy(update={"setup": setup})
    journal = Journal.create(path, plan, now_ms=0, about={})
    executor = Executor(journal, aws.services, Observer(), dict)

    result = with_what_is_left(executor.run(), executor, plan, TerminalFrontend())
    reported = failure_to_report(executor, journal, TerminalFrontend())

    assert isinstance(reported, JobAborted)
    assert result.rounds
    said = " ".join(capsys.readouterr().err.split())
    assert "Forbidden (cleaning up)" in said
    assert "could not be looked up" in said
    assert journal.failure is not None
    assert "aborted" in journal.failure
    journal.close()


def damage(path, how):
    path.parent.mkdir(parents=True, exist_ok=True)
    if how == "no database":
        path.write_bytes(b"not a database, but as long as one would be" * 200)
        return
    Journal.create(path, a_plan(), now_ms=0, about={}).close()
    connection = sqlite3.connect(path)
    match how:
        case "no table":
            connection.execute("DROP TABLE step")
            connection.execute("DROP TABLE round")
        case "no plan":
            connection.execute("DELETE FROM deployment WHERE name = 'plan'")
        case "a round that is none":
            connection.execute("INSERT INTO round VALUES (1, '{}')")
        case "a phase that is none":
            connection.execute("UPDATE deployment SET content = 'X' WHERE name = 'phase'")
        case "no JSON":
            connection.execute("UPDATE deployment SET content = '{' WHERE name = 'about'")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "how",
    [
        "no database",
        "no table",
        "no plan",
        "a round that is none",
        "a phase that is none",
        "no JSON",
    ],
)
def test_a_damaged_journal_is_named_and_hides_no_other(tmp_path, path, how):
    damage(path, how)
    whole = path.with_stem("20261124T120000Z-abcdef")
    Journal.create(whole, a_plan(), now_ms=0, about={}).close()
    store = DeploymentStore(tmp_path)

    entries = {
        name: str(entry) if isinstance(entry, UserMistake) else entry.phase
        for name, entry in store.entries()
    }

    assert entries.pop(whole.stem) is Phase.RUNNING
    (problem,) = entries.values()
    assert str(path) in problem
    assert [name for name, _ in store.journals()] == [whole.stem]
