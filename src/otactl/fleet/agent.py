"""The shell around one device: it performs the effects of the state machine and sends it events.

One task for each device. It connects and runs the machine. When the connection ends for any
reason, it waits and reconnects; meanwhile the machine continues with work that needs no
connection. The only decision made here is when to reconnect.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from dataclasses import dataclass

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.device.machine import Device
from otactl.errors import OtactlError
from otactl.fleet.connection import CONNECTION_ERRORS, Connection
from otactl.fleet.effect_runner import EffectRunner
from otactl.fleet.endpoint import DeviceTls, device_tls
from otactl.fleet.fleet_context import DevicePlan, FleetContext
from otactl.fleet.link import Link
from otactl.fleet.running_image import RunningImage
from otactl.fleet.slot import SlotStore
from otactl.fleet.store import ThingFiles
from otactl.fleet.translation import Translator
from otactl.wire.shadow_message import encode_version_report, shadow_update_topic

_LOG = logging.getLogger(__name__)

_SHORTEST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 30.0
_KEEPALIVE_SECONDS = 60
#: Rough size of a message without its payload, for a slow link: topic, header, TLS record.
_OVERHEAD_BYTES = 100


@dataclass(frozen=True, slots=True)
class _Away:
    """Why and how long a device stays offline.

    Without ``duration_ms`` the backoff decides; ``is_final`` means for good.
    """

    duration_ms: int | None = None
    rebooting_work: int | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class _Arrival:
    """An event, and the bytes that the link carried for it."""

    event: happened.Event
    size_bytes: int = 0


class Agent:
    """Runs one device."""

    def __init__(self, plan: DevicePlan, files: ThingFiles, fleet_context: FleetContext) -> None:
        self.plan = plan
        #: Why it cannot connect; None if it can.
        self.fault: str | None = None
        self.is_connected = False
        self._files = files
        self._context = fleet_context
        self._clock = fleet_context.clock
        self._slots = SlotStore(files.directory, plan.factory)
        self._profile = plan.profile.for_clock_speed(fleet_context.clock.speed)
        self._link = Link(plan.behaviour, self._profile.link_bytes_per_second, self._clock)
        self._translator = Translator(
            plan.thing_name,
            fleet_context.payload_format,
            reads=plan.reads,
            template=fleet_context.template,
        )
        #: A ``Connection`` in it was lost; it names itself, because the notice may come late.
        self._arrivals: asyncio.Queue[_Arrival | Connection] = asyncio.Queue()
        self._effect_runner = EffectRunner(self._slots, self._link, fleet_context, self._arrive)
        self._tls: DeviceTls | None = None
        self.device = Device(
            plan.thing_name,
            session=uuid.uuid4().hex[:12],
            profile=self._profile,
            behaviour=plan.behaviour,
            saved=self._slots.saved_work(),
            has_public_key=fleet_context.public_key is not None,
            reports_version=plan.factory is not None,
            runs_well=plan.factory.names if plan.factory else frozenset(),
        )

    def running(self) -> RunningImage:
        """The running image, with the digest of its bytes; may be called from any thread.

        Raises:
            OSError: The image cannot be read.
        """
        return self._slots.running()

    async def run(self) -> None:
        """Run until cancelled."""
        failures = 0
        try:
            while True:
                _stop_if_asked()
                connection = await self._connect()
                away: _Away | None = _Away()
                failures += 1
                if connection is not None:
                    failures = 0
                    away = await self._run_connected(connection)
                    await self._handle(None, happened.Disconnected())
                while away is not None:
                    away = await self._stay_offline(away, failures)
        finally:
            self._effect_runner.stop()

    async def _connect(self) -> Connection | None:
        """A connection with active subscriptions; None if it failed."""
        async with self._context.gate:
            try:
                self._tls = self._tls or device_tls(self._context.endpoint, self._files)
                connection = Connection(
                    self._context.endpoint,
                    self.plan.thing_name,
                    self._tls,
                    on_message=self._on_message,
                    # With a faster clock the cloud's keep alive is too short; loopback needs none.
                    keepalive_seconds=_KEEPALIVE_SECONDS if self._clock.speed == 1 else 0,
                )
                await connection.open(
                    at_least_once=self._translator.job_filters,
                    at_most_once=self._translator.stream_filters,
                )
            except (*CONNECTION_ERRORS, OtactlError) as error:
                self.fault = f"{type(error).__name__}: {error}"
                _LOG.debug("%s cannot connect: %s", self.plan.thing_name, self.fault)
                return None
        self.fault = None
        return connection

    async def _run_connected(self, connection: Connection) -> _Away:
        watch = asyncio.create_task(self._watch(connection))
        self.is_connected = True
        try:
            away = await self._handle(connection, happened.Connected())
            while away is None:
                away = await self._step(connection, None)
        except CONNECTION_ERRORS:
            return _Away()
        else:
            return away
        finally:
            self.is_connected = False
            watch.cancel()
            await connection.close()

    async def _watch(self, connection: Connection) -> None:
        await connection.lost()
        self._arrivals.put_nowait(connection)

    async def _stay_offline(self, away: _Away, failures: int) -> _Away | None:
        """Stay offline, then boot if this is a reboot.

        Returns:
            The next reason to stay offline: a device may install and reboot while it is offline.
        """
        if away.is_final:
            await asyncio.Event().wait()
        seconds = _backoff_seconds(failures)
        if away.duration_ms is not None:
            seconds = self._clock.real_seconds(away.duration_ms)
        until = time.monotonic() + seconds
        another = None
        while another is None and (remaining := until - time.monotonic()) > 0:
            another = await self._step(None, remaining)
        if away.rebooting_work is not None:
            self._slots.boot()
            booted = happened.Booted(away.rebooting_work, self._slots.booted_sha256)
            another = await self._handle(None, booted) or another
        return another

    async def _step(
        self, connection: Connection | None, at_most_seconds: float | None
    ) -> _Away | None:
        """Wait for the first event or deadline, and handle it."""
        _stop_if_asked()
        deadline_ms = self.device.next_deadline_ms()
        due_seconds = None
        if deadline_ms is not None:
            due_seconds = self._clock.real_seconds(deadline_ms - self._clock.now_ms())
            if due_seconds == 0:
                return await self._on_time(connection)
        waits = [wait for wait in (due_seconds, at_most_seconds) if wait is not None]
        arrival = await self._next_arrival(min(waits, default=None))
        if arrival is None:
            return await self._on_time(connection)
        if isinstance(arrival, Connection):
            return _Away() if arrival is connection else None
        if arrival.size_bytes:
            await self._link.carry(arrival.size_bytes)
        return await self._handle(connection, arrival.event)

    async def _next_arrival(self, wait_seconds: float | None) -> _Arrival | Connection | None:
        if not self._arrivals.empty() or wait_seconds is None:
            return await self._arrivals.get()
        try:
            async with asyncio.timeout(wait_seconds):
                return await self._arrivals.get()
        except TimeoutError:
            return None

    async def _on_time(self, connection: Connection | None) -> _Away | None:
        return await self._carry_out(connection, self.device.on_time(self._clock.now_ms()))

    async def _handle(self, connection: Connection | None, event: happened.Event) -> _Away | None:
        return await self._carry_out(connection, self.device.handle(event, self._clock.now_ms()))

    async def _carry_out(
        self, connection: Connection | None, effects: list[wanted.Effect]
    ) -> _Away | None:
        """Perform the effects in order; those that end the connection come last."""
        for effect in effects:
            match effect:
                case wanted.Reboot(work, duration_ms):
                    return _Away(duration_ms, work)
                case wanted.DropConnection(duration_ms):
                    if connection is not None:
                        connection.cut()
                    return _Away(duration_ms)
                case wanted.GoDark():
                    if connection is not None:
                        connection.cut()
                    return _Away(is_final=True)
                case wanted.ReportVersion():
                    await self._report_version(connection)
                case wanted.Finished():
                    self._context.on_finished(self.plan, effect)
                case _:
                    await self._publish_or_do(connection, effect)
        return None

    async def _publish_or_do(self, connection: Connection | None, effect: wanted.Effect) -> None:
        message = self._translator.message_of(effect)
        if message is None:
            self._effect_runner.do(effect)
        elif connection is not None:
            await connection.publish(*message)

    async def _report_version(self, connection: Connection | None) -> None:
        if connection is None:
            return
        for source in self._context.version_sources:
            await connection.publish(
                shadow_update_topic(self.plan.thing_name, source.shadow),
                encode_version_report(source, self._slots.version, self._slots.boots),
                # Wait for the broker's acknowledgement only, not for the shadow's answer.
                at_least_once=True,
            )

    def _on_message(self, topic: str, payload: bytes) -> None:
        event = self._translator.event_of(topic, payload)
        if event is not None:
            self._arrive(event, len(payload) + _OVERHEAD_BYTES)

    def _arrive(self, event: happened.Event, size_bytes: int = 0) -> None:
        self._arrivals.put_nowait(_Arrival(event, size_bytes))


def _stop_if_asked() -> None:
    """Raise CancelledError if this task was cancelled.

    Until Python 3.12 ``asyncio.wait_for``, which the MQTT client uses, loses a cancellation that
    comes at the same moment as the awaited result.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _backoff_seconds(failures: int) -> float:
    """The wait before the next attempt: it doubles up to a limit, and is partly random."""
    longest = min(_SHORTEST_BACKOFF_SECONDS * 2 ** min(failures, 10), _LONGEST_BACKOFF_SECONDS)
    return random.uniform(longest / 2, longest)  # noqa: S311  # spreads load, not for security
