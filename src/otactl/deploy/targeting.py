"""Whom a deployment is for: the targets of its job, and how many things they are.

A job takes at most 100 targets (AWS IoT limits, aws-facts A1). Things beyond that are gathered in
a thing group of the deployment's own. Thing groups stay targets of their own, so that a CONTINUOUS
job sees who joins them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from otactl.deploy.ports import Registry
from otactl.errors import UserMistake
from otactl.model.arn import Arn
from otactl.model.status import TargetSelection
from otactl.model.thing_list import ThingList

MAX_JOB_TARGETS = 100

#: Bytes of a thing name's digest that stand for it while groups are counted: among a million
#: names, two share eight bytes with a probability below one in ten million.
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting:
    """What the job is created for.

    Attributes:
        arns: The targets named in the list that the job names itself.
        gathered: How many things go into a group of the deployment's own; 0 for none.
        things: How many different things that is, groups expanded (the manual's deviceCount).
    """

    arns: tuple[str, ...]
    gathered: int
    things: int

    @classmethod
    def of(cls, thing_list: ThingList, in_groups: int) -> Targeting:
        """The targets of a list; where it has groups, all of it is N things."""
        listed, groups = thing_list.things, thing_list.groups
        is_gathered = gathers(thing_list)
        return cls(
            arns=groups if is_gathered else (*listed, *groups),
            gathered=len(listed) if is_gathered else 0,
            things=in_groups if groups else len(listed),
        )


def gathers(thing_list: ThingList) -> bool:
    """Whether the list is longer than a job may name."""
    return len(thing_list.things) + len(thing_list.groups) > MAX_JOB_TARGETS


def choose_targets(
    thing_list: ThingList, registry: Registry, target_selection: TargetSelection
) -> Targeting:
    """Decide on the job's targets and count the things behind them.

    Raises:
        UserMistake: There are too many groups, or one that a SNAPSHOT job would find empty.
    """
    things, groups = thing_list.things, thing_list.groups
    if len(groups) + (1 if gathers(thing_list) and things else 0) > MAX_JOB_TARGETS:
        raise UserMistake(
            f"{thing_list.file_name} names {len(groups)} thing groups;"
            f" a job takes {MAX_JOB_TARGETS} targets",
            hint="put the groups into a parent group, or deploy to them in several jobs",
        )
    seen = {_digest(Arn.parse(arn).resource_name) for arn in things} if groups else set()
    for group in groups:
        members = 0
        for thing_name in registry.things_in_group(Arn.parse(group).resource_name):
            seen.add(_digest(thing_name))
            members += 1
        # A CONTINUOUS job waits for things that join (aws-facts A3, A8).
        if members == 0 and target_selection is TargetSelection.SNAPSHOT:
            raise UserMistake(
                f"thing group {group} in {thing_list.file_name} is empty",
                hint="a job for no things is COMPLETED at once and updates nothing",
            )
    return Targeting.of(thing_list, len(seen))


def _digest(thing_name: str) -> bytes:
    return hashlib.blake2b(thing_name.encode(), digest_size=_DIGEST_BYTES).digest()


def names_digest(names: Iterable[str]) -> str:
    """A digest of things or targets in their order, so that two plans can be compared."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\n")
    return digest.hexdigest()
