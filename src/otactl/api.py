"""otactl from Python: what the commands do, without printing and without exits.

    from otactl.api import rehearse

    result = rehearse("dev.ini", things=20, behave={"fail": 10})
    assert result.succeeded == 18

Functions return results and raise ``OtactlError``. A deployment whose things failed, or that was
aborted, is a result too: ``result.failure`` has the error. A function that starts or ends something
on live devices takes a ``consent``. ``docs/python-api.md`` shows each function. Many take

- ``location``: AWS profile, region, endpoint, state directory (``LocationOptions``);
- ``max_wait_seconds``: after how long an unfinished round ends;
- ``details``: the maximum number of failed things that are queried for their reasons;
- ``poll_seconds``: seconds between two polls of the running job;
- ``observer``: is notified of each event (``otactl.deploy.observer.Observer``);
- ``profile``, ``things``, ``image_bytes``: the fleet's TOML file, and values that it lacks.
"""

from __future__ import annotations

from otactl.deploy.consent import Consent
from otactl.errors import OtactlError
from otactl.model.outcome import DeploymentResult
from otactl.model.snapshot import JobSnapshot
from otactl.model.wave import Act
from otactl.operations.in_one_call import (
    cancel,
    clean,
    decide,
    deploy,
    forecast,
    lint,
    plan,
    rehearse,
    resume,
    rollback,
)
from otactl.operations.load import load_deployment as load
from otactl.operations.location_options import LocationOptions
from otactl.operations.report import gather as report
from otactl.operations.watch.waiting import watch

__all__ = [
    "Act",
    "Consent",
    "DeploymentResult",
    "JobSnapshot",
    "LocationOptions",
    "OtactlError",
    "cancel",
    "clean",
    "decide",
    "deploy",
    "forecast",
    "lint",
    "load",
    "plan",
    "rehearse",
    "report",
    "resume",
    "rollback",
    "watch",
]
