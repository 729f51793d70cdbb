"""Selects jobs: by file, by id, by deployment, or of the deployment that is running."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from otactl.deploy.journal import Journal
from otactl.deploy.journal_reader import JournalReader, running_deployments
from otactl.deploy.store import DeploymentStore
from otactl.deploy.watched_job import WatchedJob
from otactl.errors import UserMistake
from otactl.errors.problem import Problem
from otactl.model.identifier import require_job_id
from otactl.model.wave import wave_job_id
from otactl.operations.load import read_configuration
from otactl.operations.named_files import read_thing_list
from otactl.operations.state_directory import state_directory


@dataclass(slots=True)
class JobSelection:
    """The selected jobs.

    Attributes:
        jobs: The jobs.
        region: The region that the files name; None if no file was given.
        journal_path: Of the first job's newest deployment; it has the job's location.
    """

    jobs: list[WatchedJob] = field(default_factory=list)
    region: str | None = None
    journal_path: Path | None = None


def select_jobs(
    files: Sequence[Path],
    job_ids: Sequence[str],
    *,
    state_dir: Path | None,
    settles: bool = False,
    waits: bool = False,
) -> JobSelection:
    """Select jobs; those of the newest running deployment if neither file nor id is given.

    Raises:
        NothingRunning: Nothing is given and no deployment is running.
        UserMistake: An id is invalid, or the files name different regions.
        ConfigurationInvalid: A file is invalid; it carries every problem.
    """
    store = DeploymentStore(state_directory(state_dir))
    selector = _Selector(store, settles=settles, waits=waits)
    for file in files:
        selector.add_file(file)
    for job_id in job_ids:
        selector.add_job(job_id)
    if not selector.selection.jobs:
        selector.add_running()
    return selector.selection


class NothingRunning(UserMistake):
    """Raised when no deployment is running on this machine."""


class _Selector:
    def __init__(self, store: DeploymentStore, *, settles: bool, waits: bool) -> None:
        self._store = store
        self._settles = settles
        self._waits = waits
        self.selection = JobSelection()

    def add_file(self, path: Path) -> None:
        # Since the job was created its schedule may have ended, so schedules are not checked.
        configuration = read_configuration(path).configuration
        if self.selection.region not in (None, configuration.region):
            raise UserMistake(
                f"{path} is about {configuration.region}, the file before it about"
                f" {self.selection.region}",
                hint="watch one region at a time",
            )
        self.selection.region = configuration.region
        if configuration.waves is None:
            counter = ThingListCounter(Path(configuration.thing_list), path)
            self._add(configuration.job_id, counter)
            return
        for wave in configuration.waves.waves:
            self._add(wave_job_id(configuration.job_id, wave.name))

    def add_job(self, job_id: str) -> None:
        known = self._store.path(job_id) if job_id in self._store.ids() else None
        if known is not None:
            with closing(Journal.read(known)) as journal:
                job_ids = journal.plan.job_ids  # one per wave
            for each in job_ids:
                self._add(each, journal_path=known)
            return
        require_job_id(job_id)
        self._add(job_id)

    def add_running(self) -> None:
        for found in running_deployments(self._store):
            for job_id in found.job_ids:
                self._add(job_id, journal_path=found.path)
            return
        raise NothingRunning(
            "no deployment is under way on this machine",
            hint="name a dev.ini or a --job-id",
        )

    def _add(
        self,
        job_id: str,
        counter: ThingListCounter | None = None,
        journal_path: Path | None = None,
    ) -> None:
        if any(job.job_id == job_id for job in self.selection.jobs):
            return
        journals = StoredJournals(self._store)
        journal = (
            journals.newest(job_id) if journal_path is None else JournalReader(journal_path, job_id)
        )
        if journal is not None:
            self.selection.journal_path = self.selection.journal_path or journal.path
        self.selection.jobs.append(
            WatchedJob(
                job_id,
                journal=journal,
                count_things=(lambda: None) if counter is None else counter.count,
                settles=self._settles,
                waits=self._waits,
                journals=journals,
            )
        )


class StoredJournals:
    """The journals of this machine (``deploy.watched_job.Journals``)."""

    def __init__(self, store: DeploymentStore) -> None:
        self._store = store

    def of(self, deployment_id: str, job_id: str) -> JournalReader | None:
        """The journal of a deployment; None if it is on another machine."""
        known = deployment_id in self._store.ids()
        return JournalReader(self._store.path(deployment_id), job_id) if known else None

    def newest(self, job_id: str) -> JournalReader | None:
        """The journal of the newest deployment of a job; None if not found."""
        newest = self._store.newest_of_job(job_id)
        return None if newest is None else JournalReader(self._store.path(newest), job_id)


class ThingListCounter:
    """Counts the things of a list, and counts again when the file has changed."""

    def __init__(self, path: Path, configuration: Path) -> None:
        self._path = path
        self._origin = Problem(file=str(configuration), message="")
        self._stamp: tuple[int, int] | None = None
        self._count: int | None = None

    def count(self) -> int | None:
        """The number of things; None if the list has groups, or cannot be read."""
        try:
            found = self._path.stat()
        except OSError:
            return self._count
        stamp = (found.st_mtime_ns, found.st_size)
        if stamp != self._stamp:
            self._stamp = stamp
            thing_list, _ = read_thing_list(self._path, self._origin, region=None, account=None)
            known = thing_list is not None and not thing_list.groups
            self._count = len(thing_list.things) if thing_list is not None and known else None
        return self._count
