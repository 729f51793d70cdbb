"""Actions for a person who watches jobs: poll now, query a thing, cancel, decide at a gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from otactl.deploy.consent import Consent, ForcedCancel, end_job
from otactl.errors import AwsRefused, UserMistake
from otactl.model.status import USER_CANCEL_REASON_CODE
from otactl.model.wave import Act
from otactl.operations.clock import CommandClock
from otactl.operations.location_options import LocationOptions
from otactl.operations.watch.location import JobLocation, find_location
from otactl.operations.watch.selection import select_jobs

if TYPE_CHECKING:
    from otactl.aws.target_reader import RenewableReader
    from otactl.monitor.board import Board

DEFAULT_COMMENT = "cancelled with otactl"


def locate_job(job: str, options: LocationOptions) -> tuple[str, JobLocation]:
    """The id of a job, given as that or as its deployment's id, and where the job is."""
    selection = select_jobs((), (job,), state_dir=options.state_dir)
    location = find_location(options, journal_path=selection.journal_path)
    return selection.jobs[0].job_id, location


def cancel(
    reader: RenewableReader,
    job_id: str,
    thing_name: str | None,
    *,
    force: bool,
    comment: str,
    consent: Consent,
) -> str:
    """Cancel a job, or its execution on one thing.

    Args:
        reader: IoT Jobs.
        job_id: The job.
        thing_name: The thing; None for the whole job.
        force: Whether executions in progress are cancelled too.
        comment: Why; it is public in the job.
        consent: How the user agreed; needed to cancel a job by force.

    Returns:
        A message for the user.

    Raises:
        UserMistake: It cannot be cancelled: missing, already ended, or only by force.
        AwsRefused: AWS refused.
    """
    try:
        if thing_name is None:
            if force:
                end_job(reader, job_id, ForcedCancel(USER_CANCEL_REASON_CODE, comment), consent)
            else:
                reader.cancel(job_id, reason_code=USER_CANCEL_REASON_CODE, comment=comment)
            rest = "" if force else "; things in progress finish their update"
            return f"job {job_id} is being cancelled{rest}"
        reader.cancel_execution(
            job_id, thing_name, force=force, details={"reason": comment} if comment else {}
        )
    except AwsRefused as refusal:
        raise _plainly(refusal, job_id, thing_name, force=force) from refusal
    return f"the execution of job {job_id} on {thing_name} is cancelled"


def _plainly(
    refusal: AwsRefused, job_id: str, thing_name: str | None, *, force: bool
) -> AwsRefused | UserMistake:
    """A refusal as a ``UserMistake`` in plain words, if the user can act on it."""
    on_thing = "" if thing_name is None else f" on thing {thing_name}"
    if refusal.is_missing:
        return UserMistake(f"there is no job {job_id}{on_thing}")
    if refusal.code not in ("InvalidStateTransitionException", "InvalidRequestException"):
        return refusal
    is_in_progress = thing_name is not None and not force
    hint = "an execution in progress is only cancelled with --force (in a view: C)"
    return UserMistake(
        f"job {job_id}{on_thing} cannot be cancelled: {refusal.reason}",
        hint=hint if is_in_progress else None,
    )


class WatchActions:
    """The actions that the views offer."""

    def __init__(
        self,
        reader: RenewableReader,
        board: Board,
        clock: CommandClock,
        poll_now: Callable[[], None],
        *,
        decide: Callable[[str, Act, str], str],
    ) -> None:
        self._reader = reader
        self._board = board
        self._clock = clock
        self._poll_now = poll_now
        self._decide = decide
        self._documents: dict[str, str] = {}

    def poll_now(self) -> None:
        """Poll every job now, without waiting for the interval."""
        self._poll_now()

    def show_thing(self, job_id: str, thing_name: str) -> None:
        """Query the execution of a thing and show it: one call."""
        outcome = self._reader.execution(job_id, thing_name)
        if outcome is None:
            raise UserMistake(f"thing {thing_name} has no execution of job {job_id}")
        self._board.take(job_id, outcome, self._clock.now_ms())

    def cancel(self, job_id: str, thing_name: str | None, *, force: bool) -> str:
        """Cancel a job, or its execution on a thing."""
        message = cancel(
            self._reader,
            job_id,
            thing_name,
            force=force,
            comment=DEFAULT_COMMENT,
            # The page and the terminal view let the user type the answer first.
            consent=Consent.ANSWERED,
        )
        self._poll_now()
        return message

    def decide(self, job_id: str, act: Act, comment: str) -> str:
        """Approve, reject, pause or continue at the gate of a job's wave."""
        message = self._decide(job_id, act, comment)
        self._poll_now()
        return message

    def document(self, job_id: str) -> str:
        """The job document: one call the first time, then from memory."""
        if job_id not in self._documents:
            self._documents[job_id] = self._reader.document(job_id)
        return self._documents[job_id]
