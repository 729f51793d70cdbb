"""Things that finish every job they are offered, over the real device API (iot-jobs-data).

For tests of what happens around a job. How devices download and check images is the fleet's tests'
business.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Self

    from otactl.aws.clients import AwsClients

_PAUSE_SECONDS = 0.1


class DeviceLoop:
    """Answers for some things in the background; use as a context manager."""

    def __init__(self, clients: AwsClients, thing_names: Iterable[str]) -> None:
        self._clients = clients
        self._thing_names = tuple(thing_names)
        #: The job documents the things received, in the order in which they did.
        self.documents: list[dict[str, object]] = []
        #: The things that were given them.
        self.answered: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(max_workers=4) as pool:
            while not self._stop.wait(_PAUSE_SECONDS):
                list(pool.map(self._finish_next, self._thing_names))

    def _finish_next(self, thing_name: str) -> None:
        device = self._clients.iot_jobs_data
        try:
            execution = device.start_next_pending_job_execution(thingName=thing_name).get(
                "execution"
            )
            if execution:
                self.documents.append(json.loads(execution["jobDocument"]))
                self.answered.append(thing_name)
                device.update_job_execution(
                    thingName=thing_name,
                    jobId=execution["jobId"],
                    status="SUCCEEDED",
                    statusDetails={"downloadTime": "1.5"},
                )
        except (
            device.exceptions.ResourceNotFoundException,
            device.exceptions.InvalidStateTransitionException,
        ):
            # The job was deleted between two calls: the very thing some tests are about.
            return
