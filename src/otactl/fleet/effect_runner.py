"""The effects that need no connection to the broker: slots, verification, HTTP ranges.

Slots are written at once, in the order of the effects. Verification and HTTP requests run in
threads, and their end arrives as an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.fleet.fleet_context import FleetContext
from otactl.fleet.link import Link
from otactl.fleet.range_fetch import RangeError
from otactl.fleet.slot import SlotStore


class EffectRunner:
    """Performs the effects of one device.

    Args:
        link: May alter the bytes of the image.
        arrive: Called with an event, and the bytes that the link carried for it.
    """

    def __init__(
        self,
        slots: SlotStore,
        link: Link,
        fleet_context: FleetContext,
        arrive: Callable[[happened.Event, int], None],
    ) -> None:
        self._slots = slots
        self._link = link
        self._context = fleet_context
        self._arrive = arrive
        self._tasks: set[asyncio.Task[None]] = set()

    def do(self, effect: wanted.Effect) -> None:
        """Perform an effect, or start it in the background."""
        work = getattr(effect, "work", 0)
        try:
            match effect:
                case wanted.VerifySlot():
                    self._start(self._verify(effect))
                case wanted.FetchRange():
                    self._start(self._fetch(effect))
                case _:
                    self._use_slots(effect, work)
        except OSError as error:
            self._arrive(happened.SlotFailed(work, error.strerror or str(error)), 0)

    def stop(self) -> None:
        """Cancel the background tasks."""
        for task in self._tasks:
            task.cancel()
        self._slots.close()

    def _use_slots(self, effect: wanted.Effect, work: int) -> None:
        match effect:
            case wanted.PrepareSlot(_, size_bytes, keep):
                self._slots.prepare(size_bytes, keep=keep)
            case wanted.WriteSlot(_, offset, payload):
                self._slots.write(offset, self._link.deliver(offset, payload))
            case wanted.SwitchSlots(_, sha256, saved, version):
                own = self._context.image_versions.get(sha256, version)
                self._slots.switch(sha256, saved, own)
                self._arrive(happened.Switched(work), 0)
            case wanted.CheckBoot():
                self._arrive(happened.Booted(work, self._slots.booted_sha256), 0)
            case wanted.SaveWork(saved):
                self._slots.save(saved)
            case wanted.ForgetWork(keep_former):
                self._slots.forget(keep_former=keep_former)
            case wanted.FallBack():
                self._slots.fall_back()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _verify(self, effect: wanted.VerifySlot) -> None:
        loop = asyncio.get_running_loop()
        try:
            verdict = await loop.run_in_executor(
                self._context.workers, self._slots.verify, effect.image, self._context.public_key
            )
        except OSError as error:
            self._arrive(happened.SlotFailed(effect.work, error.strerror or str(error)), 0)
        else:
            self._arrive(happened.Verified(effect.work, verdict.sha256, verdict.fault), 0)

    async def _fetch(self, effect: wanted.FetchRange) -> None:
        loop = asyncio.get_running_loop()
        first, last = effect.first_byte, effect.last_byte
        try:
            payload = await loop.run_in_executor(
                self._context.workers, self._context.fetcher.fetch, effect.url, first, last
            )
        except RangeError as error:
            self._arrive(happened.RangeFailed(effect.token, error.http_status), 0)
        else:
            self._arrive(happened.RangeReceived(effect.token, payload), len(payload))
