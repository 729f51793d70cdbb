"""What things report in time, in memory: they reboot after SUCCEEDED, and some come back wrong.

A thing reports its former version before its job, the new one when it is back, and whatever its
behaviour says instead. The index may show all of that late.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.memory_states import MemoryThingStates

from otactl.model.status import ExecutionStatus
from otactl.model.thing_state import ThingState

OLD, NEW = "1.0", "2.0"
MINUTE = 60_000


@dataclass(frozen=True)
class Return:
    """How a thing comes back, seconds after its execution ended.

    Attributes:
        back_s: When it is back and reports; None for never.
        version: What it reports then.
        boots: How often it boots.
        gone_s: When it goes after that; None for never.
        stays: Whether it never goes at all, and reports nothing.
    """

    back_s: float | None = 20
    version: str = NEW
    boots: int = 1
    gone_s: float | None = None
    stays: bool = False


HEALTHY = Return()
REVERTED = Return(version=OLD, boots=2)
BRICKED = Return(back_s=None)
DARK = Return(gone_s=30)
LOOPING = Return(boots=9)
LATE = Return(back_s=100)
MUTE = Return(stays=True)


@dataclass
class LiveStates(MemoryThingStates):
    """The states of things as their jobs, their returns and the time make them.

    Attributes:
        jobs, registry, clock: Of the world.
        returns: By thing; the others are healthy.
        lag_s: How far the index is behind.
        new_though_failed: Things that run the new version though their execution failed.
        unreadable: Things whose shadow cannot be read.
    """

    jobs: Any = None
    registry: Any = None
    clock: Any = None
    returns: dict[str, Return] = field(default_factory=dict)
    lag_s: float = 0
    new_though_failed: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)

    def state_at(self, name: str, now_ms: int) -> ThingState:
        """A thing at an instant."""
        before = ThingState(
            thing_name=name,
            version=OLD,
            version_at_ms=10,
            boots=5,
            boots_at_ms=10,
            is_connected=True,
            connection_at_ms=10,
        )
        ended_ms = self._ended_ms(name)
        if ended_ms is None or now_ms <= ended_ms:
            return before
        found = self.returns.get(name, HEALTHY)
        if found.stays:
            return before
        back_ms = None if found.back_s is None else int(ended_ms + found.back_s * 1000)
        if back_ms is None or now_ms < back_ms:
            return replace(before, is_connected=False, connection_at_ms=ended_ms + 1)
        back = replace(
            before,
            version=found.version,
            version_at_ms=back_ms,
            boots=5 + found.boots,
            boots_at_ms=back_ms,
            connection_at_ms=back_ms,
        )
        gone_ms = None if found.gone_s is None else int(ended_ms + found.gone_s * 1000)
        if gone_ms is None or now_ms < gone_ms:
            return back
        return replace(back, is_connected=False, connection_at_ms=gone_ms)

    def _ended_ms(self, name):
        for job_id in self.jobs.jobs:
            for one in self.jobs.all_of(job_id):
                is_new = one.status is ExecutionStatus.SUCCEEDED or name in self.new_though_failed
                if one.thing_name == name and one.status.is_terminal and is_new:
                    return one.updated_at_ms
        return None

    def _refresh(self, names, now_ms) -> None:
        self.states = {name: self.state_at(name, now_ms) for name in names}

    def search(self, query, source):
        names = [name for _, members in self.registry.groups.values() for name in members]
        self._refresh(names, int(self.clock.ms - self.lag_s * 1000))
        return super().search(query, source)

    def read(self, names, source, *, connectivity):
        self._refresh(names, self.clock.ms)
        for state in super().read(names, source, connectivity=connectivity):
            if state.thing_name in self.unreadable:
                yield ThingState(thing_name=state.thing_name, unreadable="AccessDenied")
            else:
                yield state
