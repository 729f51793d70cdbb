"""Many devices in one process: a thread with its own event loop.

    run = FleetRun(directory, plans, endpoint=…, clock=…)
    run.start()
    run.wait_until_idle(grace_seconds=5)
    run.stop()
    run.results()

Everything public may be called from any thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from otactl.errors import LocalResourceMissing
from otactl.fleet.agent import Agent
from otactl.fleet.fleet_context import FleetContext, FleetProgress, ThingResult
from otactl.fleet.range_fetch import RangeFetcher
from otactl.fleet.running_image import DEFAULT_VERSION_SOURCES
from otactl.loop_lateness import LoopLateness
from otactl.wire.stream_topic import PayloadFormat

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

    from otactl.device.effect import Finished
    from otactl.fleet.clock import FleetClock
    from otactl.fleet.endpoint import FleetEndpoint
    from otactl.fleet.fleet_context import DevicePlan
    from otactl.fleet.running_image import RunningImage
    from otactl.fleet.store import FleetDirectory
    from otactl.model.thing_state import VersionSource

_LOG = logging.getLogger(__name__)

#: Devices that connect at the same moment. AWS takes 500 CONNECT a second from an account
#: (aws-facts A9); 32 handshakes at once stay below that at any round trip above 64 ms, and keep
#: two cores busy on loopback.
CONNECTS_AT_ONCE = 32
_WORKERS = 16
#: A socket for each device, and some for everything else, slots that are being written included.
_OTHER_FILES = 200
_POLL_SECONDS = 0.1
_STOP_SECONDS = 15.0
_MS = 1000


class FleetRun:
    """A running fleet.

    Args:
        directory: Where keys, certificates and slots lie.
        plans: The devices, each thing once.
        public_key: What signed images are checked with.
        payload_format: Of stream messages.
        template: The custom document with placeholders that they read, if they read one.
        version_sources: Where devices that have a factory image report the version that runs.
        image_versions: The version that an image has in itself, by SHA-256; else it has the one
            that the job document says.
    """

    def __init__(
        self,
        directory: FleetDirectory,
        plans: Sequence[DevicePlan],
        *,
        endpoint: FleetEndpoint,
        clock: FleetClock,
        public_key: ec.EllipticCurvePublicKey | None = None,
        payload_format: PayloadFormat = PayloadFormat.CBOR,
        template: Mapping[str, Any] | None = None,
        version_sources: tuple[VersionSource, ...] = DEFAULT_VERSION_SOURCES,
        image_versions: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = directory
        self._plans = tuple(plans)
        self._endpoint = endpoint
        self._clock = clock
        self._context_with = partial(
            FleetContext,
            endpoint=endpoint,
            clock=clock,
            payload_format=payload_format,
            public_key=public_key,
            template=template,
            on_finished=self._note,
            version_sources=version_sources,
            image_versions=dict(image_versions or {}),
        )
        self._agents: tuple[Agent, ...] = ()
        self._lateness = LoopLateness()
        self._results: list[ThingResult] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._ready = threading.Event()
        self._crash: BaseException | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start every device and return at once.

        Raises:
            LocalResourceMissing: A certificate or the CA is missing, or this process may not open
                as many files as the fleet needs.
        """
        self._endpoint.require_trust()
        _allow_files(len(self._plans) + _OTHER_FILES)
        for plan in self._plans:
            self._require_certificate(plan.thing_name)
        self._thread = threading.Thread(target=self._run_thread, name="fleet", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Stop every device; returns when their connections are closed. May be called twice.

        Raises:
            LocalResourceMissing: The files of a device cannot be written or read.
            BaseException: The internal error that ended a device.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stopping is not None:
            # The loop may have ended by itself meanwhile.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join(_STOP_SECONDS)
        if thread.is_alive():
            _LOG.warning("the fleet did not stop within %g seconds", _STOP_SECONDS)
        if self._crash is not None:
            raise self._crash

    def results(self) -> tuple[ThingResult, ...]:
        """The executions that ended so far, in that order."""
        with self._lock:
            return tuple(self._results)

    def progress(self) -> FleetProgress:
        """The fleet's progress now."""
        agents = self._agents
        return FleetProgress(
            things=len(self._plans),
            connected=sum(agent.is_connected for agent in agents),
            phases=Counter(agent.device.phase for agent in agents),
            finished=Counter(result.status for result in self.results()),
            is_settled=bool(agents) and all(agent.device.is_settled for agent in agents),
            faults={agent.plan.thing_name: agent.fault for agent in agents if agent.fault},
        )

    def take_lateness(self) -> float:
        """The longest lateness of the devices since the last call, in real seconds."""
        return self._lateness.take_longest()

    def running(self) -> dict[str, RunningImage]:
        """What each device runs, with the SHA-256 of the bytes read from its slot.

        Raises:
            OSError: They cannot be read.
        """
        return {agent.plan.thing_name: agent.running() for agent in self._agents}

    def wait_until_idle(
        self,
        *,
        grace_seconds: float,
        max_wait_seconds: float | None = None,
        on_tick: Callable[[FleetProgress], None] | None = None,
    ) -> bool:
        """Wait until at least one job ended and no device has had anything to do for a while.

        Args:
            grace_seconds: How long, by the fleet's clock. A staged rollout notifies things once a
                minute: less than a minute may end too early.
            max_wait_seconds: Give up after this long, by the fleet's clock.
            on_tick: Called some times a second; may raise to end the waiting.

        Returns:
            Whether the fleet is idle; False after ``max_wait_seconds``.
        """
        started_ms = self._clock.now_ms()
        settled_since_ms: int | None = None
        while True:
            now_ms = self._clock.now_ms()
            progress = self.progress()
            if on_tick is not None:
                on_tick(progress)
            if not (progress.is_settled and progress.finished):
                settled_since_ms = None
            elif settled_since_ms is None:
                settled_since_ms = now_ms
            elif now_ms - settled_since_ms >= grace_seconds * _MS:
                return True
            if max_wait_seconds is not None and now_ms - started_ms >= max_wait_seconds * _MS:
                return False
            if self._thread is None or not self._thread.is_alive():
                return False
            time.sleep(_POLL_SECONDS)

    def _run_thread(self) -> None:
        try:
            asyncio.run(self._run())
        except OSError as error:
            # Those of connections are handled: this one is of a device's files.
            self._crash = LocalResourceMissing(f"the files of a device cannot be used: {error}")
        except BaseException as error:  # noqa: BLE001  # handed to the caller of stop()
            self._crash = error
        finally:
            self._ready.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        # aiomqtt connects in the loop's own threads; as many as may connect at once.
        self._loop.set_default_executor(ThreadPoolExecutor(CONNECTS_AT_ONCE, "fleet-connect"))
        workers = ThreadPoolExecutor(_WORKERS, "fleet-work")
        fetcher = RangeFetcher(_WORKERS, self._endpoint.ca_file)
        try:
            gate = asyncio.Semaphore(CONNECTS_AT_ONCE)
            context = self._context_with(gate=gate, workers=workers, fetcher=fetcher)
            self._agents = tuple(
                Agent(plan, self._directory.files_of(plan.thing_name), context)
                for plan in self._plans
            )
            self._ready.set()
            await self._run_agents(self._stopping)
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            fetcher.close()

    async def _run_agents(self, stopping: asyncio.Event) -> None:
        tasks = [asyncio.create_task(agent.run()) for agent in self._agents]
        goal = asyncio.create_task(stopping.wait())
        lateness = asyncio.create_task(self._lateness.watch())
        # An agent never returns by itself; one that does has hit an internal error.
        await asyncio.wait([goal, *tasks], return_when=asyncio.FIRST_COMPLETED)
        crashes = [task.exception() for task in tasks if task.done() and not task.cancelled()]
        for task in (goal, lateness, *tasks):
            task.cancel()
        await asyncio.gather(goal, lateness, *tasks, return_exceptions=True)
        for crash in crashes:
            if crash is not None:
                raise crash

    def _note(self, plan: DevicePlan, finished: Finished) -> None:
        result = ThingResult(
            thing_name=plan.thing_name, behaviour=plan.behaviour, **asdict(finished)
        )
        with self._lock:
            self._results.append(result)

    def _require_certificate(self, thing_name: str) -> None:
        files = self._directory.files_of(thing_name)
        for path in (files.key_file, files.certificate_file):
            if not path.exists():
                raise LocalResourceMissing(
                    f"{thing_name} has no {path.name} in {files.directory}",
                    hint="`otactl fleet create` makes what is missing",
                )


def _allow_files(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= needed:
        return
    if hard != unlimited and hard < needed:
        raise LocalResourceMissing(
            f"this fleet needs {needed} open files, and the system allows {hard}",
            hint="raise the limit (`ulimit -Hn`), or run the fleet in parts",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
