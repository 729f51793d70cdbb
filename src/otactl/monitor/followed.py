"""Followed things: what each is doing now.

AWS shows other clients little of a device's traffic: answers go only to the device and pass no
broker (aws-facts F1). What remains is the progress that the device reports in the status details of
its execution (one call for each thing and poll), its notifications, and its connection. On the
local cloud its requests can be read as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from otactl.model.outcome import ThingOutcome
from otactl.model.progress import FollowedThing
from otactl.monitor.ports import JobReader, ThingMessage

#: Each costs a call in every poll.
MAX_FOLLOWED = 20


class FollowedThings:
    """The followed things of one job."""

    def __init__(self, thing_names: Iterable[str]) -> None:
        self._things = {name: FollowedThing(thing_name=name) for name in thing_names}
        self._updated_ms: dict[str, int | None] = {}

    def poll(self, reader: JobReader, job_id: str) -> Iterator[ThingOutcome]:
        """Describe each, one call a thing. Yields the executions found."""
        for name in self._things:
            outcome = reader.execution(job_id, name)
            if outcome is not None:
                self._take(outcome)
                yield outcome

    def receive(self, message: ThingMessage) -> None:
        """Add a message of a thing; ignored if the thing is not followed."""
        thing = self._things.get(message.thing_name)
        if thing is None:
            return
        self._things[message.thing_name] = replace(
            thing,
            heard=message.words or thing.heard,
            heard_ms=message.at_ms if message.words else thing.heard_ms,
            connected=thing.connected if message.connected is None else message.connected,
        )

    def progress(self, now_ms: int) -> tuple[FollowedThing, ...]:
        """What each is doing."""
        return tuple(
            replace(thing, silent_after_seconds=self._silent_after_seconds(thing, now_ms))
            for thing in self._things.values()
        )

    def _take(self, outcome: ThingOutcome) -> None:
        details = outcome.status_details
        self._updated_ms[outcome.thing_name] = outcome.updated_at_ms
        self._things[outcome.thing_name] = replace(
            self._things[outcome.thing_name],
            status=outcome.status,
            step=outcome.progress.step,
            received_blocks=outcome.progress.received_blocks,
            total_blocks=outcome.progress.total_blocks,
            status_details=details,
        )

    def _silent_after_seconds(self, thing: FollowedThing, now_ms: int) -> float | None:
        times = [
            time
            for time in (self._updated_ms.get(thing.thing_name), thing.heard_ms)
            if time is not None
        ]
        return max(0, now_ms - max(times)) / 1000 if times else None
