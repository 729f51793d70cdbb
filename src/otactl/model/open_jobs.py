"""Jobs of waves that stay for things that were offline, after their deployment has ended."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWave:
    """A wave whose job takes stragglers.

    Attributes:
        group_name: The wave's own thing group; empty for a wave that names its things.
        deployment_id: Of a rollback that the wave is of; empty for the deployment itself.
    """

    job_id: str
    group_name: str = ""
    deployment_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJobs:
    """What a deployment left open.

    Attributes:
        deployment_id: What jobs and groups have in their description.
        region: Where they are.
        waves: One at least; those of its rollbacks too.
    """

    deployment_id: str
    region: str
    waves: tuple[OpenWave, ...]


OPEN_JOBS: TypeAdapter[OpenJobs] = TypeAdapter(OpenJobs)
