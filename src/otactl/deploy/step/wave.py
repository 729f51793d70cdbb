"""The steps of waves: fill a group at its own rate, wait at a gate, end.

What they do needs the journal and all waves together, so it is in ``deploy.wave_run``; a step is
the value that the plan shows and the journal keeps.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.step.base import Calls, Step
from otactl.model.comparison import SoakPoint
from otactl.model.limits import PAGE
from otactl.model.wave import GateRule, percent_words
from otactl.rules.comparison.arms import ArmSizes

#: How often the arms of a comparison are read.
_READS = 1 + len(SoakPoint)
_SECONDS_PER_HOUR = 3600


class FillGroup(Step):
    """Fill the thing group of a large wave; most things are added during the gate before."""

    kind: Literal["fill-group"] = "fill-group"
    wave: int
    name: str
    group_name: str
    things: int
    per_second: int

    @property
    def key(self) -> str:
        return f"wave-{self.name}/members"

    @property
    def title(self) -> str:
        hours = self.hours
        time = f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.0f} min"
        return (
            f"add {self.things:,} things to {self.group_name}, {self.per_second} a second: {time}"
        )

    @property
    def hours(self) -> float:
        return self.things / self.per_second / _SECONDS_PER_HOUR

    @property
    def calls(self) -> Calls:
        """One for each thing; then the group is listed."""
        return {
            "iot:AddThingToThingGroup": self.things,
            "iot:ListThingsInThingGroup": 1 + self.things // PAGE,
        }


class AwaitGate(Step):
    """Watch a wave until its gate passes or fails."""

    kind: Literal["await-gate"] = "await-gate"
    wave: int
    name: str
    job_id: str
    things: int
    rule: GateRule
    compared: ArmSizes | None = None
    counts_boots: bool = False

    @property
    def round(self) -> int:
        """Snapshots and executions are kept by the number of the wave."""
        return self.wave

    @property
    def key(self) -> str:
        return f"wave-{self.name}/gate"

    @property
    def title(self) -> str:
        rule = self.rule
        return (
            f"gate of wave {self.name}: {percent_words(rule.required_ended)} of {self.things:,}"
            f" things ended, {percent_words(rule.required_succeeded)} of those succeeded, for"
            f" {rule.soak_ms // 60_000:,} min"
            + (", then an approval" if rule.needs_approval else "")
            + (f"; compared with {self.compared.control:,} things" if self.compared else "")
        )

    @property
    def calls(self) -> Calls:
        """The list of executions for a verdict; polls are not included.

        Both arms of a comparison are read when the wave begins, at half and at the end of the soak;
        things that are offline when it begins are not included, and with the fleet index there are
        far fewer calls.
        """
        calls = {"iot:ListJobExecutionsForJob": 1 + self.things // PAGE}
        if self.compared is not None:
            reads = _READS * (self.compared.wave + self.compared.control)
            calls["iot:GetThingConnectivityData"] = reads
            if self.counts_boots:
                calls["iotdata:GetThingShadow"] = reads
        return calls


class EndWaves(Step):
    """Cancel what must not continue, and collect the result of every thing."""

    kind: Literal["end-waves"] = "end-waves"
    things: int
    waves: int
    detail_limit: int
    #: How many things are described if nothing fails: at most ``detail_limit`` of each wave.
    described: int = 0

    key: ClassVar[str] = "waves/end"

    @property
    def title(self) -> str:
        return f"end of {self.waves} waves: what became of each thing"

    @property
    def calls(self) -> Calls:
        """Each wave's job is described, its executions are listed, some are described."""
        return {
            "iot:DescribeJob": self.waves,
            "iot:ListJobExecutionsForJob": self.waves + self.things // PAGE,
            "iot:DescribeJobExecution": self.described,
        }
