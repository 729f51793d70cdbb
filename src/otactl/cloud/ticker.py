"""Lets in-progress timeouts happen when they are due, though nobody looks.

MiniStack ends an execution that has outstayed its timeout when somebody reads it. So somebody
reads: every few seconds of the cloud's time each running job is described, over HTTP, as any
client could. AWS allows itself up to a minute of delay (aws-facts D).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from otactl.cloud.scope import Scope
    from otactl.cloud.streams.local_aws import LocalAws

_CLOUD_SECONDS = 5.0
#: However fast the cloud's clock, this machine has other work too.
_LEAST_REAL_SECONDS = 0.25

_log = logging.getLogger("otactl.cloud.ticker")


class TimeoutTicker:
    """See the module.

    Args:
        aws: The cloud's own APIs.
        speed: Cloud seconds for each real one.
    """

    def __init__(self, aws: LocalAws, speed: float) -> None:
        self._aws = aws
        self._interval = max(_CLOUD_SECONDS, _LEAST_REAL_SECONDS * speed)
        self._scopes: set[Scope] = set()
        self._task: asyncio.Task[None] | None = None

    def watch(self, scope: Scope) -> None:
        """Look after the jobs of an account and region, from now on."""
        self._scopes.add(scope)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            for scope in sorted(self._scopes):
                try:
                    await self._aws.run(lambda scope=scope: self._read(scope))  # type: ignore[misc]
                except (ClientError, BotoCoreError) as error:
                    # Also while the process ends; the next round tries again.
                    _log.warning("timeouts in %s cannot be looked after: %s", scope, error)

    def _read(self, scope: Scope) -> None:
        iot = self._aws.iot(scope)
        for page in iot.get_paginator("list_jobs").paginate(status="IN_PROGRESS"):
            for job in page["jobs"]:
                iot.describe_job(jobId=job["jobId"])
