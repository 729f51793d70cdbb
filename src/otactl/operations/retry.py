"""Which things of a deployment to retry, and the deployment that retries them."""

from __future__ import annotations

from pathlib import Path

from otactl.errors import UserMistake
from otactl.model.arn import thing_arn
from otactl.model.identifier import require_job_id
from otactl.model.status import ExecutionStatus
from otactl.model.thing_list import parse_thing_list
from otactl.operations.load import LoadedDeployment, load_deployment
from otactl.operations.report_content import ReportContent

#: Statuses to retry; CANCELED, a person's decision, is not. REMOVED: the thing was deleted, or left
#: the group, before it got the job.
_RETRIED = (
    ExecutionStatus.FAILED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.REJECTED,
    ExecutionStatus.REMOVED,
)
_MAX_JOB_ID = 64


def failed_things(content: ReportContent) -> list[str]:
    """The names of the things to retry, by their last execution.

    Of the last round; with waves, of every wave.
    """
    if content.is_running:
        raise UserMistake(
            f"deployment {content.deployment_id or content.job_id} is still under way",
            hint="wait for its end, or cancel it",
        )
    if not content.rounds:
        raise UserMistake(f"deployment {content.deployment_id} reached no thing at all")
    return [
        name
        for each in (content.rounds if content.waves else content.rounds[-1:])
        for name in (
            *(one.thing_name for one in each.last_executions() if one.status in _RETRIED),
            *each.not_reached_things,
        )
    ]


def load_retry(
    content: ReportContent, file: Path | None, names: list[str], job_id: str | None
) -> LoadedDeployment:
    """Load the deployment's file with other targets, another job and one round.

    By default the file is the one it was deployed from, and the job id the old one with ``-retry``.

    Raises:
        UserMistake: The id is invalid, or no file is known.
    """
    job_id = job_id or f"{content.job_id[: _MAX_JOB_ID - 6]}-retry"
    require_job_id(job_id)
    if content.is_rehearsal:
        raise UserMistake(
            f"deployment {content.deployment_id} was a rehearsal; its things are gone",
            hint="rehearse again",
        )
    path = file or Path(content.source)
    if not content.source and file is None:
        raise UserMistake(
            f"job {content.job_id} was not deployed from this machine",
            hint="name the dev.ini to deploy from",
        )
    lines = [str(thing_arn(content.region, content.account, name)) for name in names]
    return load_deployment(
        path,
        overrides={
            "jobId": job_id,
            "streamId": f"{job_id}-stream",
            "rounds": "1",
            # The retry is one small job; the gates have already decided.
            "useWaveConfig": "False",
        },
        make_thing_list=lambda _read: parse_thing_list(
            lines, file_name=f"what failed of {content.deployment_id or content.job_id}"
        ),
    )
