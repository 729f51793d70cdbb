"""A job that is watched, with what is known of it from its file and its journal.

The journal of the deployment that created the job says how many things it is for, which round is
current and whether another one follows. The job's description names this deployment. While there is
no job, the newest deployment of that job id counts: if a process works on it, the job does not
exist yet, or was created and deleted between two polls.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from otactl.deploy.ending import Ending, ending_of, failure_of
from otactl.deploy.journal_reader import DeploymentStatus, JournalReader
from otactl.deploy.ownership import owner
from otactl.errors import DeploymentFailed, JobDeleted, OtactlError, UserMistake
from otactl.model.outcome import RoundResult
from otactl.model.progress import RoundsProgress
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.model.wave import GateStatus

_CONTINUE = "continue it with `otactl resume`, or remove it with `otactl clean`"
_ROUND = re.compile(r" round (?P<round>[0-9]{1,9})$")


class Journals(Protocol):
    """The journals of this machine."""

    def of(self, deployment_id: str, job_id: str) -> JournalReader | None:
        """The journal of a deployment; None if it is on another machine."""

    def newest(self, job_id: str) -> JournalReader | None:
        """The journal of the newest deployment of a job; None if there is none."""


@dataclass(slots=True)
class WatchedJob:
    """A job that is watched.

    Attributes:
        journal: Of its newest deployment on this machine; None if there is none.
        journals: Finds journals that were created since.
        count_things: Returns how many things the user's list has; None if unknown.
        settles: Whether a CONTINUOUS job counts as over when all its things are finished.
        waits: Whether to wait for a job that does not exist yet.
    """

    job_id: str
    journal: JournalReader | None = None
    count_things: Callable[[], int | None] = field(default=lambda: None)
    settles: bool = False
    waits: bool = False
    journals: Journals | None = None
    _round: int = 0
    _owner: str | None = None
    _was_at_work: bool = False

    @property
    def _current_round(self) -> int:
        """The round of the job; the first if its description has no round."""
        return max(self._round, 1)

    @property
    def _status(self) -> DeploymentStatus | None:
        return None if self.journal is None else self.journal.now()

    def alarm_names(self) -> tuple[str, ...]:
        """The alarms its deployment created."""
        status = self._status
        return () if status is None else status.alarms

    def things(self) -> int | None:
        """How many things the job is for."""
        status = self._status
        return self.count_things() if status is None else status.things

    def rounds(self) -> RoundsProgress | None:
        """The current and the finished rounds of its deployment; None if it has only one."""
        status = self._status
        if status is None or status.rounds == 1:
            return None
        current = self._round or min(status.rounds, len(status.done) + 1)
        return RoundsProgress(current=current, planned=status.rounds, done=status.done)

    def gate(self) -> GateStatus | None:
        """The last status of the gate of its wave."""
        status = self._status
        return None if status is None else status.gate

    def see(self, snapshot: JobSnapshot) -> None:
        """Find the job's deployment and round by its description."""
        job = snapshot.job
        if job is None:
            self._see_none()
            return
        found = _ROUND.search(job.description)
        self._round = int(found["round"]) if found else 0
        creator = owner(job.description)
        if creator == self._owner:
            return
        self._owner = creator
        if self.journal is None or self.journal.deployment_id != creator:
            self.journal = None
            if creator is not None and self.journals is not None:
                self.journal = self.journals.of(creator, self.job_id)

    def _see_none(self) -> None:
        """There is no job: check whether a deployment is about to create it."""
        if not self._is_at_work() and self.journals is not None:
            self.journal = self.journals.newest(self.job_id) or self.journal
        self._was_at_work = self._was_at_work or self._is_at_work()

    def _is_at_work(self) -> bool:
        """Whether a process carries out its deployment now."""
        status = self._status
        return (
            status is not None
            and self.journal is not None
            and not status.has_ended
            and self.journal.is_at_work()
        )

    @property
    def ended_unseen(self) -> bool:
        """Whether its deployment ended, and no poll found the job."""
        return self._was_at_work and not self._is_at_work()

    def is_over(self, snapshot: JobSnapshot) -> bool:
        """Whether the job and its deployment have nothing more to do."""
        self.see(snapshot)
        if snapshot.job is None:
            return self.ended_unseen or not (self.waits or self._is_at_work())
        if self._another_round_follows():
            return False
        if snapshot.is_being_deleted:
            # A deployment that cleans up deletes its job, and then records how it ended. A job that
            # others delete is watched until AWS no longer has it; it takes a while (aws-facts A4).
            status = self._status
            has_ended = status is not None and status.has_ended
            return not self._is_at_work() and (snapshot.gone or has_ended)
        ending = self._ending(snapshot)
        if ending is None or (ending is Ending.SETTLED and not self.settles):
            return False
        # The deployment decides how the round ended, and may poll the job a moment later.
        return not self._round_is_open()

    def recorded_result(self) -> RoundResult | None:
        """The result that its deployment recorded; None if there is none, or it is not over."""
        return None if self.journal is None else self.journal.round_result(self._current_round)

    def failure(self, snapshot: JobSnapshot, location: str) -> OtactlError | None:
        """The error that `otactl deploy` would report for the job; None if it did not fail."""
        job = snapshot.job
        if job is None:
            return self._unseen_end(location)
        if snapshot.is_being_deleted:
            return self._vanished()
        ending = self._ending(snapshot)
        if ending is not None and not ending.is_regular:
            return failure_of(ending, self.job_id, comment=job.comment)
        failed = sum(group.count for group in snapshot.failures)
        if not job.configuration.may_repeat:
            # AWS may not list all that it counts.
            failed = max(failed, job.counts.unsuccessful)
        if failed or not job.counts[ExecutionStatus.SUCCEEDED]:
            what = (
                f"{failed:,} thing{'' if failed == 1 else 's'} did not succeed"
                if failed
                else "it reached no thing at all"
            )
            return DeploymentFailed(f"job {self.job_id}: {what}")
        missing = snapshot.unnotified or 0
        if missing:
            return DeploymentFailed(
                f"job {self.job_id}: {missing:,} of {snapshot.things:,} things did not get the job"
            )
        return None

    def _vanished(self) -> OtactlError | None:
        """The error of a job that existed and does not any more."""
        status = self._status
        if status is not None and status.has_ended:
            return status.failure
        if status is None or self._is_at_work():
            return JobDeleted(f"job {self.job_id} was deleted by somebody else")
        # A killed process may have done more than it recorded.
        return JobDeleted(
            f"job {self.job_id} is gone, and its deployment was stopped before it ended",
            hint=_CONTINUE,
        )

    def _unseen_end(self, location: str) -> OtactlError | None:
        """The error of a job that was never found."""
        if self._is_at_work():
            hint = "its deployment is at work and will create it: --wait waits for it"
        elif self.ended_unseen:
            status = self._status
            if status is None or status.failure is not None or status.has_ended:
                return None if status is None else status.failure
            # Its process is gone, and it did not end.
            return DeploymentFailed(
                f"the deployment of job {self.job_id} was stopped before it ended", hint=_CONTINUE
            )
        else:
            hint = "--wait waits for one; `otactl history` lists the deployments of this machine"
        return UserMistake(f"there is no job {self.job_id} in {location}", hint=hint)

    def _ending(self, snapshot: JobSnapshot) -> Ending | None:
        job = snapshot.job
        if job is None:
            return None
        return ending_of(
            job,
            things=snapshot.things or job.counts.total,
            target_selection=job.configuration.target_selection,
            abort_criteria=job.configuration.abort_criteria,
        )

    def _round_is_open(self) -> bool:
        """Whether a process works on the deployment and has not recorded the end of this round."""
        status = self._status
        written = () if status is None else status.done
        return self._is_at_work() and all(each.round != self._current_round for each in written)

    def _another_round_follows(self) -> bool:
        """Whether a process works on the deployment and has not done its last round."""
        status = self._status
        if status is None or not status.is_running:
            return False
        return self._current_round < status.rounds and self._is_at_work()
