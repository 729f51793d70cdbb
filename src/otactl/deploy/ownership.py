"""Distinguishes what a deployment created from everything else.

Streams, jobs and thing groups have the deployment's id in their description: the call that creates
them sets it, so they can be recognised at any time, and reading it needs only the permission to
describe.
"""

from __future__ import annotations

import re

from otactl.deploy.consent import EndsJobs
from otactl.errors import UserMistake
from otactl.model.snapshot import JobDescription

_OURS = re.compile(r"^otactl deployment (?P<id>[0-9A-Za-z-]+)(?: |$)")


def describe_ours(deployment_id: str, detail: str = "") -> str:
    """The description of a resource that a deployment creates."""
    return f"otactl deployment {deployment_id} {detail}".rstrip()


def owner(description: str | None) -> str | None:
    """The id of the deployment that created what has this description, or None."""
    match = _OURS.match(description or "")
    return match["id"] if match else None


def is_ours(description: str | None, deployment_id: str) -> bool:
    """Whether this deployment created it."""
    return owner(description) == deployment_id


def own_job(jobs: EndsJobs, job_id: str, deployment_id: str) -> JobDescription | None:
    """The job of this id, if it exists and this deployment created it."""
    found = jobs.describe(job_id)
    return found if found is not None and is_ours(found.description, deployment_id) else None


def not_ours(kind: str, name: str, description: str | None) -> UserMistake:
    """The error for a resource that exists and is not this deployment's."""
    creator = owner(description)
    if creator is not None:
        return UserMistake(
            f"{kind} {name} exists; deployment {creator} created it",
            hint=f"`otactl resume {creator}` continues it, `otactl clean {creator}` removes it",
        )
    return UserMistake(
        f"{kind} {name} exists and was not created by otactl; it is left as it is",
        hint=f"choose another {kind} id in [DEFAULT], or delete the {kind} yourself",
    )
