"""More things than one job may name: a thing group that exists as long as the deployment.

A job takes at most 100 targets (aws-facts A1). The things of a longer list are added to a separate
group, which is the job's target and is deleted at clean-up. Deleting a group removes its members
from it; the things stay.
"""

from __future__ import annotations

from itertools import count
from typing import ClassVar, Literal

from otactl.deploy.ownership import describe_ours, is_ours
from otactl.deploy.step.base import Calls, Record, Step, StepContext
from otactl.errors import DeploymentFailed
from otactl.model.arn import Arn
from otactl.model.limits import PAGE
from otactl.model.quoting import first_names
from otactl.rules.backoff import UNTIL_A_MINUTE

#: How long a group may take to list a new member (aws-facts O).
MEMBERS_MS = 300_000
#: The most things named in the message of a group that stays incomplete.
_NAMED = 10


class CreateThingGroup(Step):
    """Create the deployment's own thing group."""

    kind: Literal["create-thing-group"] = "create-thing-group"
    group_name: str
    wave: str = ""

    calls: ClassVar[Calls] = {"iot:CreateThingGroup": 1}
    #: Only a group of ours is deleted, so it is described first.
    undo_calls: ClassVar[Calls] = {"iot:DescribeThingGroup": 1, "iot:DeleteThingGroup": 1}
    check_calls: ClassVar[Calls] = {"iot:DescribeThingGroup": 1}

    @property
    def key(self) -> str:
        """A plan has one such group, or one for each large wave."""
        return f"wave-{self.wave}/group" if self.wave else "thing-group"

    @property
    def title(self) -> str:
        return f"create thing group {self.group_name}"

    @property
    def resource(self) -> str:
        return f"thinggroup/{self.group_name}"

    def do(self, context: StepContext) -> Record:
        arn = context.services.registry.create_group(
            self.group_name, description=describe_ours(context.deployment_id)
        )
        return {"arn": arn}

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        found = context.services.registry.group_description(self.group_name)
        return is_ours(found, context.deployment_id)

    def delete(self, context: StepContext) -> None:
        """Delete it; its things stay."""
        context.services.registry.delete_group(self.group_name)


class AddThings(Step):
    """Fill the deployment's own thing group."""

    kind: Literal["add-things"] = "add-things"
    group_name: str
    things: int
    concurrency: int

    key: ClassVar[str] = "thing-group/members"

    @property
    def title(self) -> str:
        return f"add {self.things:,} things to {self.group_name}"

    @property
    def calls(self) -> Calls:
        """One call for each thing, as AWS cannot add several at once; then the group is listed."""
        return {
            "iot:AddThingToThingGroup": self.things,
            "iot:ListThingsInThingGroup": 1 + self.things // PAGE,
        }

    def do(self, context: StepContext) -> Record:
        """Add them. Adding a thing twice changes nothing, so the step can be repeated."""
        added = 0
        for added in context.services.registry.add_things(
            self.group_name, context.targets(), concurrency=self.concurrency
        ):
            context.services.clock.check()
            context.on_progress(added, self.things)
        self._await_members(context)
        return {"things": added}

    def _await_members(self, context: StepContext) -> None:
        """Wait until the group lists all of them: membership is eventually consistent.

        A SNAPSHOT job silently leaves out the things that the group does not list when the job is
        created (AWS IoT guide, thing-groups; aws-facts O).

        Raises:
            DeploymentFailed: Some are still missing after five minutes.
        """
        waited_ms = context.span("members")
        for polls in count(1):
            missing = {Arn.parse(arn).resource_name for arn in context.targets()}
            missing.difference_update(context.services.registry.things_in_group(self.group_name))
            if not missing:
                return
            if waited_ms() >= MEMBERS_MS:
                named = first_names(sorted(missing), _NAMED)
                raise DeploymentFailed(
                    f"{len(missing):,} of {self.things:,} things do not show in thing group"
                    f" {self.group_name} after five minutes: {named}",
                    hint="no job was created; AWS IoT may be slow: try again later",
                )
            context.on_note(f"{len(missing):,} things do not show in the thing group yet")
            context.services.clock.sleep(UNTIL_A_MINUTE.pause_seconds(polls))
