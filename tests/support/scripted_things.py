"""Things whose every report a test decides, over the real device API (iot-jobs-data)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from otactl.aws.clients import AwsClients

ACCOUNT, REGION = "123456789012", "us-east-1"


class ScriptedThings:
    """Things, and the jobs made for them.

    Args:
        clients: Where they are.
        names: Their names.
    """

    def __init__(self, clients: AwsClients, names: Iterable[str]) -> None:
        self._clients = clients
        self.names = tuple(names)
        self.job_ids: list[str] = []

    def job(self, job_id: str, names: Iterable[str] | None = None, **parameters: Any) -> str:
        """Create a job for all of them, or some."""
        self._clients.iot.create_job(
            jobId=job_id,
            targets=[
                f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{name}"
                for name in (self.names if names is None else names)
            ],
            document=json.dumps({"command": "fota"}),
            **parameters,
        )
        self.job_ids.append(job_id)
        return job_id

    def report(self, job_id: str, status: str, *names: str, **details: object) -> None:
        """Let things report of their execution; all of them when none is named."""
        reported = {key: str(text) for key, text in details.items()}

        def one(name: str) -> None:
            self._clients.iot_jobs_data.update_job_execution(
                jobId=job_id, thingName=name, status=status, statusDetails=reported
            )

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, names or self.names))


@contextmanager
def scripted_things(clients: AwsClients, names: Iterable[str]) -> Iterator[ScriptedThings]:
    """Register things for a while; they and their jobs are gone afterwards."""
    things = ScriptedThings(clients, names)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: clients.iot.create_thing(thingName=name), things.names))
    try:
        yield things
    finally:
        for job_id in things.job_ids:
            try:
                clients.iot.delete_job(jobId=job_id, force=True)
            except clients.iot.exceptions.ResourceNotFoundException:
                continue
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: clients.iot.delete_thing(thingName=name), things.names))
