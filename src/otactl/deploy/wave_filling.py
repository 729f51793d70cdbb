"""Fills the thing groups of large waves, a slice at a time, and records its progress.

AWS adds one thing a call. A million things take hours, so a group is filled between two polls of
the wave before; a resume continues at the journal's last thing. A thing that AWS refuses (it is in
ten groups already, or does not exist) is named and not reached.
"""

from __future__ import annotations

from collections.abc import Iterator

from otactl.deploy.journal import Journal
from otactl.deploy.ports import Services
from otactl.deploy.step import FillGroup
from otactl.deploy.step.thing_group import MEMBERS_MS
from otactl.errors import DeploymentFailed
from otactl.model.arn import Arn, thing_arn

#: Members that are listed before the time is checked again: four pages.
_LISTED_AT_ONCE = 1000
_MEMBERS_PAUSE_SECONDS = 5


class GroupFilling:
    """The groups of one deployment's waves."""

    def __init__(self, journal: Journal, services: Services) -> None:
        self._plan = plan = journal.plan
        self._journal = journal
        self._services = services
        self._steps = {step.wave: step for step in plan.steps if isinstance(step, FillGroup)}
        self._members: dict[int, tuple[int, Iterator[str]]] = {}

    def missing(self, number: int) -> str:
        """What the group of a wave lacks, in words; empty if it is complete or does not exist."""
        step = self._steps.get(number)
        if step is None or self._journal.find_instant(_complete(number)) is not None:
            return ""
        left = self._journal.count_wave_things(number, after=self._journal.filled_until(number))
        if left:
            return f"filling the group of wave {step.name}: {left:,} of {step.things:,} are left"
        return f"the group of wave {step.name} does not show all of its things yet"

    def fill(self, number: int, seconds: float) -> None:
        """Fill for N seconds, or until the group is complete."""
        step = self._steps[number]
        clock = self._services.clock
        until_ms = clock.monotonic_ms() + seconds * 1000
        while self.missing(number) and clock.monotonic_ms() < until_ms:
            clock.check()
            names = self._journal.wave_things(
                number, after=self._journal.filled_until(number), limit=step.per_second
            )
            if names:
                self._add(step, names)
            elif not self._shows_all(step):
                return

    def fill_all(self, number: int) -> None:
        """Fill a group completely, without polling a gate meanwhile.

        Raises:
            DeploymentFailed: The group does not list its things after five minutes.
        """
        give_up_ms: int | None = None
        clock = self._services.clock
        while self.missing(number):
            self.fill(number, _MEMBERS_PAUSE_SECONDS)
            until = self._journal.filled_until(number)
            if self._journal.wave_things(number, after=until, limit=1) or not self.missing(number):
                continue
            give_up_ms = give_up_ms or clock.monotonic_ms() + MEMBERS_MS
            if clock.monotonic_ms() >= give_up_ms:
                raise DeploymentFailed(
                    f"{self.missing(number)} after five minutes",
                    hint="its job was not created; AWS IoT may be slow: try again later",
                )
            clock.sleep(_MEMBERS_PAUSE_SECONDS)

    def _add(self, step: FillGroup, names: list[str]) -> None:
        arns = {str(thing_arn(self._plan.region, self._plan.account, name)): name for name in names}
        refusals = self._services.registry.fill_group(
            step.group_name, list(arns), per_second=step.per_second
        )
        self._journal.enter_filled(
            step.wave,
            names[-1],
            {Arn.parse(arn).resource_name: why for arn, why in refusals.items()},
        )

    def _shows_all(self, step: FillGroup) -> bool:
        """Continue to count the members; False if all were listed and are too few.

        The group is the deployment's own, so it is complete with as many members as were added.
        """
        seen, members = self._members.pop(step.wave, (0, iter(())))
        if not seen:
            members = self._services.registry.things_in_group(step.group_name)
        listed = sum(1 for _ in zip(range(_LISTED_AT_ONCE), members, strict=False))
        seen += listed
        if seen >= step.things - len(self._journal.fill_refusals(step.wave)):
            self._journal.instant(_complete(step.wave), self._services.clock.now_ms())
            return True
        if listed < _LISTED_AT_ONCE:
            return False
        self._members[step.wave] = (seen, members)
        return True


def _complete(number: int) -> str:
    return f"wave-{number}/group-complete"
