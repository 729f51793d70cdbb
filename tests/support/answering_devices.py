"""Devices that take every job they are given and say that it succeeded, by HTTPS.

They are for tests in which the devices are not the point: each job execution is started and updated
through the device side of IoT Jobs, as firmware would, but no image is downloaded. What they were
given is kept, so that a test can count.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from types import TracebackType
    from typing import Self

    from otactl.aws.clients import AwsClients


class AnsweringDevices:
    """Things of an account, as long as the ``with`` block runs.

    Args:
        clients: Of the cloud they live in.
        things: Their names; None for all that there are, those of other tests too.
        answer: The status a thing reports for a job; None for none at all.
        pause_seconds: From one look for jobs to the next.
    """

    def __init__(
        self,
        clients: AwsClients,
        *,
        things: Collection[str] | None = None,
        answer: Callable[[str, str], str | None] = lambda _job, _thing: "SUCCEEDED",
        pause_seconds: float = 0.05,
    ) -> None:
        self._clients = clients
        self._things = things
        self._answer = answer
        self._pause_seconds = pause_seconds
        self._left: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
        #: How often each thing carried out each job.
        self.carried_out: Counter[tuple[str, str]] = Counter()
        #: Jobs that were under way on one thing at the same time.
        self.collisions: list[tuple[str, list[str]]] = []

    def __enter__(self) -> Self:
        # Jobs that other tests left in the shared cloud are not theirs. The queue's own may stand
        # already: a worker that was killed left them.
        self._left = {job_id for job_id in self._jobs() if not job_id.startswith("jobId_")}
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._pause_seconds):
            try:
                jobs = self._jobs()
            except (ClientError, BotoCoreError):
                continue
            waiting: dict[str, list[str]] = {}
            for job_id in (one for one in jobs if one not in self._left):
                for thing in self._queued(job_id):
                    waiting.setdefault(thing, []).append(job_id)
            for thing, job_ids in waiting.items():
                if len(job_ids) > 1:
                    self.collisions.append((thing, job_ids))
                for job_id in job_ids:
                    self._carry_out(job_id, thing)

    def _jobs(self) -> list[str]:
        pages = self._clients.iot.get_paginator("list_jobs").paginate(status="IN_PROGRESS")
        return [job["jobId"] for page in pages for job in page["jobs"]]

    def _queued(self, job_id: str) -> list[str]:
        try:
            page = self._clients.iot.list_job_executions_for_job(jobId=job_id, status="QUEUED")
        except ClientError:
            return []  # deleted meanwhile
        names = [each["thingArn"].rpartition("/")[2] for each in page["executionSummaries"]]
        return [name for name in names if self._things is None or name in self._things]

    def _carry_out(self, job_id: str, thing: str) -> None:
        status = self._answer(job_id, thing)
        if status is None:
            return
        try:
            self._clients.iot_jobs_data.update_job_execution(
                jobId=job_id, thingName=thing, status="IN_PROGRESS"
            )
            self._clients.iot_jobs_data.update_job_execution(
                jobId=job_id, thingName=thing, status=status
            )
        except ClientError:
            return  # deleted meanwhile
        self.carried_out[job_id, thing] += 1
