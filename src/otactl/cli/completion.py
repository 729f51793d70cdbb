"""Shell completion; nothing here calls AWS or raises an error.

Deployments and jobs are those of this machine's journals, the newest first.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path

import typer

#: How many journals are opened, because the shell waits.
_NEWEST = 50


def deployments(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of deployments, and of their jobs."""
    from otactl.deploy.store import DeploymentStore
    from otactl.errors import LocalResourceMissing
    from otactl.operations.state_directory import state_directory

    given = ctx.params.get("state_dir")  # a string: typer 0.15 does not convert it here
    store = DeploymentStore(state_directory(Path(given) if given else None))
    found: dict[str, None] = {}
    with suppress(LocalResourceMissing):
        for deployment_id, journal in islice(store.journals(), _NEWEST):
            found[journal.plan.job_id] = found[deployment_id] = None
    return [each for each in found if each.startswith(incomplete)]


def keys(incomplete: str) -> list[str]:
    """Sections of a ``dev.ini`` and their keys, also as ``SECTION.key``."""
    from otactl.model.configuration.catalogue import all_keys

    found: dict[str, None] = {}
    for key in all_keys():
        found[key.section] = found[key.name] = found[key.full_name] = None
    return [each for each in found if each.startswith(incomplete)]


def behaviours(incomplete: str) -> list[str]:
    """The next behaviour in a list such as ``fail=5,silent=1``."""
    from otactl.device.behaviour import Behaviour

    done, comma, begun = incomplete.rpartition(",")
    return [f"{done}{comma}{each}=" for each in Behaviour if each.startswith(begun)]


def findings(incomplete: str) -> list[str]:
    """Codes of the linter."""
    from otactl.forecast.lint import CODES

    return [code for code in CODES if code.startswith(incomplete)]


def examples(incomplete: str) -> list[str]:
    """Names of ``otactl example list``."""
    from otactl.operations.shared_file import shared_files

    return [name for name in shared_files() if name.startswith(incomplete)]
