"""Things hear of a timeout, and of what it caused.

MiniStack lets an execution time out when somebody reads it (``otactl.cloud.ticker`` sees to it
that somebody does), and says of itself that such a read notifies nobody: neither the thing whose
execution timed out, nor the things whose executions the abort criteria then cancel, nor, with
``retry``, the thing that gets another attempt. AWS notifies whenever the pending executions of a
thing change (Developer Guide, jobs-comm-notifications; aws-facts F2).

Touched, all in ``ministack.services.iot``: ``_jobs_apply_timeout`` and ``_jobs_abort`` are wrapped
to see what happened; ``jobs_notify_thing`` and ``publishing_events`` are called.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters, require_source

#: Differs from every job id: whether the head of the queue changed is not known here.
_ANOTHER_HEAD = "\0"

_timing_out: contextvars.ContextVar[bool] = contextvars.ContextVar("timing_out", default=False)


def install() -> None:
    """Put the notifications in place.

    Raises:
        ShapeChanged: MiniStack's jobs are not those this was written for.
    """
    require_parameters(iot._jobs_apply_timeout, "execution")  # noqa: SLF001
    require_parameters(iot._jobs_abort, "job_id")  # noqa: SLF001
    require_parameters(
        iot.jobs_notify_thing, "account_id", "region", "thing_name", "prev_next_job_id"
    )
    require_source(iot._jobs_apply_timeout, "\n    _jobs_abort(")  # noqa: SLF001
    apply, abort = iot._jobs_apply_timeout, iot._jobs_abort  # noqa: SLF001
    tasks: set[asyncio.Task[None]] = set()

    def notify(thing_name: str, previous_head: str | None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # read by a worker thread of MiniStack's own: nobody can be told from there
        task = loop.create_task(
            _notify(get_account_id(), get_region(), thing_name, previous_head),
            context=contextvars.Context(),
        )
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def apply_timeout(execution: dict[str, Any]) -> Any:
        before = execution.get("status")
        token = _timing_out.set(True)
        try:
            after = apply(execution)
        finally:
            _timing_out.reset(token)
        if before != "TIMED_OUT" == after.get("status"):
            notify(execution["thingName"], _ANOTHER_HEAD)
        return after

    def abort_job(job_id: str) -> Any:
        canceled = abort(job_id)
        if _timing_out.get():
            for thing_name, previous_head in canceled.items():
                notify(thing_name, previous_head)
        return canceled

    iot._jobs_apply_timeout = apply_timeout  # noqa: SLF001
    iot._jobs_abort = abort_job  # noqa: SLF001


async def _notify(account_id: str, region: str, thing_name: str, previous_head: str | None) -> None:
    async with iot.publishing_events():
        await iot.jobs_notify_thing(account_id, region, thing_name, previous_head)
