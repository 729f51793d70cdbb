"""The participants of a rehearsal: the things of the list, or N generated ones.

Thing groups of the list get some things of their own, because an empty group is refused, here as on
AWS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave
from otactl.errors import UserMistake
from otactl.model.arn import Arn, partition_of, thing_arn
from otactl.model.thing_list import ThingList

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from otactl.model.configuration import DeploymentConfiguration

#: Things of a rehearsal with ``--things N``: ``rehearsal-00001`` and so on.
_NAME = "rehearsal-{number:05}"
#: What the local cloud begins its ARNs with.
_PLAYED_PARTITION = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """The things of a rehearsal and what each of them does.

    Attributes:
        groups: The groups that are made, and the things in each.
        behaviours: By thing name; every thing of the rehearsal has one.
    """

    groups: Mapping[str, tuple[str, ...]]
    behaviours: Mapping[str, Behaviour]

    @property
    def things(self) -> tuple[str, ...]:
        """All thing names."""
        return tuple(self.behaviours)

    def count(self, behaviour: Behaviour) -> int:
        """How many things behave so."""
        return sum(1 for dealt in self.behaviours.values() if dealt is behaviour)


def check_partition(configuration: DeploymentConfiguration) -> None:
    """Refuse what the local cloud cannot play: it makes every ARN one of the partition aws.

    Raises:
        UserMistake: The deployment's region is of another partition.
    """
    partition = partition_of(configuration.region)
    if partition != _PLAYED_PARTITION:
        raise UserMistake(
            f"{configuration.file_name}: {configuration.region} is of the partition {partition};"
            f" a rehearsal plays {_PLAYED_PARTITION} only",
            hint="rehearse a copy with region = us-east-1 and ARNs that begin with"
            f" arn:{_PLAYED_PARTITION}:; deploy, plan and iam take the file as it is",
        )


def generated_list(count: int, configuration: DeploymentConfiguration) -> ThingList:
    """The thing list of ``--things N``."""
    return ThingList(
        file_name=f"--things {count}",
        things=tuple(
            str(thing_arn(configuration.region, configuration.account, _NAME.format(number=number)))
            for number in range(1, count + 1)
        ),
    )


def choose_participants(
    thing_list: ThingList, *, behave: str, seed: int, things_per_group: int
) -> Participants:
    """Choose the things of a rehearsal and the behaviour of each.

    Args:
        thing_list: The targets of the deployment.
        behave: As ``--behave`` has it: ``fail=10,silent=2``.
        seed: Deals the behaviours.
        things_per_group: Things created in each group.

    Raises:
        UserMistake: ``behave`` cannot be read.
    """
    names = [Arn.parse(arn).resource_name for arn in thing_list.things]
    groups = {
        Arn.parse(arn).resource_name: tuple(
            f"{Arn.parse(arn).resource_name}-{number}" for number in range(1, things_per_group + 1)
        )
        for arn in thing_list.groups
    }
    members = [name for things in groups.values() for name in things]
    everybody = list(dict.fromkeys([*names, *members]))
    return Participants(groups=groups, behaviours=deal_behaviours(everybody, _shares(behave), seed))


def _shares(behave: str) -> dict[Behaviour, Decimal]:
    try:
        return parse_behave(behave)
    except ValueError as error:
        raise UserMistake(
            f"--behave {behave}: {error}",
            hint=f"behaviours: {', '.join(Behaviour)}; numbers are percent of the things",
        ) from error
