"""A rollback as it is planned, and who keeps it where another machine can take it up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from otactl.deploy.former_image import FormerImage
from otactl.deploy.journal import Journal
from otactl.deploy.plan import Plan
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.rollback_plan import rollback_request
from otactl.operations.load import LoadedDeployment


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """One rollback as it is planned, all that another machine needs to plan the same.

    Attributes:
        version: What its things had before.
        things: Their names.
        offline: Those that nothing shows to be connected.
        number: Of the rollback among those of the deployment, from 1.
        deployment_id: Its own.
    """

    version: str
    things: tuple[str, ...]
    offline: frozenset[str]
    number: int
    deployment_id: str

    def request(self, journal: Journal, loaded: LoadedDeployment, image: FormerImage) -> Request:
        """The deployment that it is; the journal is of the one that is taken back."""
        return rollback_request(
            loaded.configuration,
            image,
            self.things,
            offline=self.offline,
            rollback_of=journal.plan.deployment_id,
            number=self.number,
            deployment_id=self.deployment_id,
            account=journal.plan.account,
            custom_document=loaded.custom_document,
            options=PlanOptions(),
        )


class RollbackKeeper(Protocol):
    """Keeps rollbacks where another machine can take them up."""

    def keep_begun(self, begun: Sequence[tuple[Beginning, Plan]]) -> None:
        """Keep what begins now, before anything of it is created."""
        ...

    def listen(self, journal: Journal) -> None:
        """Keep how far a rollback is from now on."""
        ...

    def leave(self, journal: Journal) -> None:
        """Keep how far a rollback is that this process leaves at a gate."""
        ...


def loaded_as(loaded: LoadedDeployment, request: Request) -> LoadedDeployment:
    """The file of a deployment as that of one of its rollbacks."""
    return replace(loaded, configuration=request.configuration, thing_list=request.thing_list)
