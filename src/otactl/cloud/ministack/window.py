"""A rollout waits for its maintenance windows.

MiniStack keeps a job's ``schedulingConfig`` and does not act on it. Here a job with maintenance
windows notifies nobody outside of them. Its status stays IN_PROGRESS, where AWS would say
SCHEDULED: MiniStack's rollout ends with that status.

Touched: ``_jobs_rollout_batch_size`` of ``ministack.services.iot``, which says how many things the
next batch has, is wrapped; the cloud's clock decides.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from ministack.services import iot

from otactl.cloud.ministack.shape import require_parameters, require_source
from otactl.model.job_configuration import MaintenanceWindow
from otactl.rules.schedule import is_open


def install() -> None:
    """Put the windows in place.

    Raises:
        ShapeChanged: MiniStack's rollout is not the one this was written for.
    """
    size = iot._jobs_rollout_batch_size  # noqa: SLF001
    require_parameters(size, "job", "waiting")
    require_source(iot._create_job, "batch = _jobs_rollout_batch_size(")  # noqa: SLF001
    require_source(iot._jobs_rollout_release, "_jobs_rollout_batch_size(job")  # noqa: SLF001

    def batch_size(job: dict[str, Any], waiting: int) -> int:
        now = datetime.fromtimestamp(time.time(), tz=UTC)
        windows = _windows(job)
        return size(job, waiting) if not windows or is_open(windows, now) else 0

    iot._jobs_rollout_batch_size = batch_size  # noqa: SLF001


def _windows(job: dict[str, Any]) -> list[MaintenanceWindow]:
    """The job's windows, which CreateJob has checked."""
    scheduling = job.get("schedulingConfig") or {}
    return [
        MaintenanceWindow(
            start_time=window["startTime"], duration_minutes=window["durationInMinutes"]
        )
        for window in scheduling.get("maintenanceWindows") or ()
    ]
