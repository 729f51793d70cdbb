"""A world for one device: the jobs service, a stream service, slots, and a network that may lie.

Everything is in memory and driven step by step by the test; time is a number. The jobs service
keeps the rules that AWS documents (aws-facts E, F): it is an implementation of its own, so that
device and world cannot share a mistake.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.device.behaviour import Behaviour
from otactl.device.job import Job
from otactl.device.machine import Device
from otactl.device.verification import verify_image
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from otactl.device.profile import DeviceProfile
    from otactl.device.report import Report
    from otactl.device.saved_work import SavedWork

FACTORY = b"the image the device left the factory with"


@dataclass
class Execution:
    """One execution, as the service keeps it."""

    job_id: str
    image: Image
    content: bytes
    queued_at: int
    status: ExecutionStatus = ExecutionStatus.QUEUED
    version: int = 1
    number: int = 1
    details: dict[str, str] = field(default_factory=dict)

    def as_job(self) -> Job:
        return Job(
            job_id=self.job_id,
            status=self.status,
            execution_number=self.number,
            version_number=self.version,
            queued_at_seconds=self.queued_at,
            image=self.image,
        )


def image_of(content: bytes, **changes: object) -> Image:
    """The description of an image, as a document would carry it."""
    fields: dict[str, object] = {
        "size_bytes": len(content),
        "file_id": 3,
        "stream_id": "s",
        "md5": hashlib.md5(content, usedforsecurity=False).hexdigest(),
    }
    return Image(**(fields | changes))  # type: ignore[arg-type]  # the test's own keywords


class World:
    """One device and everything around it.

    Args:
        profile: Of the device.
        behaviour: Of the device.
        tamper: May alter a block's payload on its way.
        public_key: What the device checks signatures with.
        runs_well: Images that do not go wrong, whatever the behaviour.
        reports_version: Whether the device reports its version.
    """

    def __init__(
        self,
        *,
        profile: DeviceProfile,
        behaviour: Behaviour,
        tamper: Callable[[bytes], bytes] = bytes,
        public_key: EllipticCurvePublicKey | None = None,
        runs_well: frozenset[str] = frozenset(),
        reports_version: bool = True,
    ) -> None:
        self.public_key = public_key
        self.runs_well, self.reports_version = runs_well, reports_version
        #: The updates that reached the service.
        self.reports: list[Report] = []
        self.now_ms = 1_000_000
        self.executions: list[Execution] = []
        self.queued = 1_000_000
        self.streams: dict[str, bytes] = {}
        self.profile, self.behaviour, self.tamper = profile, behaviour, tamper
        #: Messages on their way to the device and from it, in the order they were sent.
        self.to_device: list[happened.Event] = []
        self.to_service: list[wanted.Effect] = []
        #: What the shell is busy with: it cannot be lost, but it can be late.
        self.chores: list[happened.Event] = []
        self.slots = [FACTORY, b""]
        self.active = 0
        self.boot_sha256 = hashlib.sha256(FACTORY).hexdigest()
        self.kept_former = False
        #: What was reported: the bytes that ran, the number of boots, when.
        self.version_reports: list[tuple[bytes, int, int]] = []
        self.boots = 1
        self.gone = False
        self.saved: SavedWork | None = None
        self.connected = False
        self.back_at_ms: int | None = None
        self.booted_work: int | None = None
        self.finished: list[wanted.Finished] = []
        self.final_reports: dict[tuple[str, int, int | None], set[ExecutionStatus]] = {}
        self.sessions = 0
        self.blocks_served = 0
        self.device = self._new_device()

    def _new_device(self) -> Device:
        self.sessions += 1
        return Device(
            "thing",
            session=f"s{self.sessions}",
            profile=self.profile,
            behaviour=self.behaviour,
            saved=self.saved,
            has_public_key=self.public_key is not None,
            reports_version=self.reports_version,
            runs_well=self.runs_well,
        )

    # The service

    def pending(self) -> list[Execution]:
        """Not ended; those in progress first, then in the order they were queued (F2)."""
        open_ones = [one for one in self.executions if not one.status.is_terminal]
        return sorted(open_ones, key=lambda one: one.status is ExecutionStatus.QUEUED)

    def queue(self, content: bytes, job_id: str, image: Image | None = None) -> Execution:
        """A job is created."""
        front = self.pending()[:1]
        self.queued += 1
        execution = Execution(job_id, image or image_of(content), content, self.queued)
        self.executions.append(execution)
        self.streams[execution.image.stream_id or ""] = content
        self._notify(front)
        return execution

    def take_away(self, execution: Execution, status: ExecutionStatus | None) -> None:
        """An execution is cancelled or timed out by the service; None deletes it."""
        if execution.status.is_terminal:
            return
        front = self.pending()[:1]
        if status is None:
            self.executions.remove(execution)
        else:
            execution.status = status
            execution.version += 1
        self._notify(front)

    def _notify(self, front: list[Execution]) -> None:
        after = self.pending()[:1]
        if after != front and self.connected:
            self.to_device.append(happened.NextChanged(after[0].as_job() if after else None))

    def serve(self, request: wanted.Effect) -> None:
        """The service answers one request."""
        match request:
            case wanted.AskStartNext(token):
                execution = next(iter(self.pending()), None)
                if execution and execution.status is ExecutionStatus.QUEUED:
                    execution.status = ExecutionStatus.IN_PROGRESS
                    execution.version += 1
                job = execution.as_job() if execution else None
                self._answer(happened.JobAnswered(token, job))
            case wanted.AskDescribeNext(token):
                execution = next(iter(self.pending()), None)
                job = execution.as_job() if execution else None
                self._answer(happened.JobAnswered(token, job))
            case wanted.SendUpdate():
                self._update(request)
            case wanted.RequestBlocks():
                self._send_blocks(request)

    def _answer(self, event: happened.Event) -> None:
        if self.connected:
            self.to_device.append(event)

    def _update(self, update: wanted.SendUpdate) -> None:
        self.reports.append(update.report)
        execution = next(
            (
                one
                for one in reversed(self.executions)
                if (one.job_id, one.number) == (update.job_id, update.execution_number)
            ),
            None,
        )
        if execution is None:
            self._answer(happened.UpdateRejected(update.token, "ResourceNotFound"))
            return
        state = (execution.status, execution.version)
        if execution.status.is_terminal:
            self._answer(happened.UpdateRejected(update.token, "InvalidStateTransition", *state))
            return
        if update.expected_version not in (None, execution.version):
            self._answer(happened.UpdateRejected(update.token, "VersionMismatch", *state))
            return
        front = self.pending()[:1]
        execution.status = update.report.status
        execution.version += 1
        execution.details = dict(update.report.details)
        self._answer(happened.UpdateAccepted(update.token))
        if execution.status is ExecutionStatus.SUCCEEDED:
            self.check_success(execution)
        self._notify(front)

    def check_success(self, execution: Execution) -> None:
        """The one thing that must never be wrong, if the device does not lie by design."""
        if self.behaviour is Behaviour.LIAR:
            return
        assert self.slots[self.active] == execution.content
        assert execution.details["sha256"] == hashlib.sha256(execution.content).hexdigest()

    def _send_blocks(self, request: wanted.RequestBlocks) -> None:
        content = self.streams[request.stream_id]
        for block in request.blocks:
            start = block * request.block_size
            payload = content[start : start + request.block_size]
            assert payload, "a block past the end was asked for"
            self.blocks_served += 1
            payload = self.tamper(payload)
            self._answer(happened.BlockReceived(request.stream_id, request.file_id, block, payload))

    # The shell

    def feed(self, event: happened.Event) -> None:
        """The device hears of something, and what it wants is done."""
        self.carry_out(self.device.handle(event, self.now_ms))

    def carry_out(self, effects: list[wanted.Effect]) -> None:
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: wanted.Effect) -> None:
        match effect:
            case wanted.Reboot(work, duration_ms):
                self.booted_work = work
                self.lose_connection(duration_ms)
                self.back_at_ms = self.now_ms + duration_ms
            case wanted.DropConnection(duration_ms):
                self.lose_connection(duration_ms)
            case wanted.CheckBoot(work):
                self.chores.append(happened.Booted(work, self.boot_sha256))
            case wanted.SaveWork(saved):
                self.saved = saved
            case wanted.ForgetWork(keep_former):
                self.saved, self.kept_former = None, keep_former
            case wanted.FallBack():
                assert self.kept_former, "there is nothing to fall back on"
                self.active = 1 - self.active
                self.boot_sha256 = hashlib.sha256(self.slots[self.active]).hexdigest()
            case wanted.ReportVersion() if self.connected:
                self.version_reports.append((self.slots[self.active], self.boots, self.now_ms))
            case wanted.GoDark():
                self.lose_connection()
                self.gone, self.back_at_ms = True, None
            case wanted.Finished():
                self.finished.append(effect)
            case _:
                self._use_slots(effect)

    def _use_slots(self, effect: wanted.Effect) -> None:
        spare = 1 - self.active
        match effect:
            case wanted.PrepareSlot(_, size, keep):
                kept = self.slots[spare] if keep else b""
                self.slots[spare] = kept[:size].ljust(size, b"\0")
            case wanted.WriteSlot(_, offset, payload):
                slot = self.slots[spare]
                self.slots[spare] = slot[:offset] + payload + slot[offset + len(payload) :]
            case wanted.VerifySlot(work, image):
                verdict = verify_image([self.slots[spare]], image, self.public_key)
                self.chores.append(happened.Verified(work, verdict.sha256, verdict.fault))
            case wanted.SwitchSlots(work, sha256, saved):
                assert hashlib.sha256(self.slots[spare]).hexdigest() == sha256
                self.active = spare
                self.boot_sha256, self.saved = sha256, saved
                self.chores.append(happened.Switched(work))
            case _:
                self._publish(effect)

    def _publish(self, effect: wanted.Effect) -> None:
        if not self.connected:
            return  # The connection broke, and the device has not heard of it yet.
        if isinstance(effect, wanted.SendUpdate) and effect.report.is_final:
            assert self.device._work is not None
            key = self.device._work.job.identity
            statuses = self.final_reports.setdefault(key, set())
            statuses.add(effect.report.status)
            assert len(statuses) == 1, f"{key} was reported as {statuses}"
        self.to_service.append(effect)

    def lose_connection(self, duration_ms: int = 0) -> None:
        """The connection breaks; what is on its way in either direction is lost."""
        if not self.connected:
            return
        self.connected = False
        self.back_at_ms = self.now_ms + duration_ms
        self.to_device.clear()
        self.to_service.clear()
        self.chores.append(happened.Disconnected())

    def come_back(self) -> None:
        """The connection stands again, after a reboot with the image that was booted."""
        assert not self.connected
        self.back_at_ms = None
        if happened.Disconnected() in self.chores:
            self.chores.remove(happened.Disconnected())
            self.feed(happened.Disconnected())
        if self.booted_work is not None:
            work, self.booted_work = self.booted_work, None
            self.boots += 1
            self.feed(happened.Booted(work, self.boot_sha256))
            if self.booted_work is not None:
                return  # it boots once more before it connects
        self.connected = True
        self.feed(happened.Connected())

    def restart(self) -> None:
        """The process dies and another one takes over: only slots and saved work survive."""
        self.connected = False
        self.to_device.clear()
        self.to_service.clear()
        self.chores.clear()
        self.booted_work = None
        self.device = self._new_device()
        self.back_at_ms = self.now_ms

    # Driving it

    def do_chore(self) -> bool:
        if not self.chores:
            return False
        self.feed(self.chores.pop(0))
        return True

    def let_time_pass(self) -> None:
        """To the next moment at which anything is due."""
        due = [at for at in (self.device.next_deadline_ms(), self.back_at_ms) if at is not None]
        if due:
            self.now_ms = max(self.now_ms, min(due))
        if self.back_at_ms is not None and self.back_at_ms <= self.now_ms:
            self.come_back()
        self.carry_out(self.device.on_time(self.now_ms))

    def run_fairly(self, steps: int = 20_000) -> None:
        """Nothing is lost any more: go on until the device and the service are at rest."""
        for _ in range(steps):
            if self.do_chore():
                continue
            if self.to_service:
                self.serve(self.to_service.pop(0))
            elif self.to_device:
                self.feed(self.to_device.pop(0))
            elif self.device.is_settled and not self.pending():
                return
            else:
                self.let_time_pass()
        raise AssertionError(
            f"stuck in {self.device.phase} with {[one.status for one in self.pending()]}"
        )

    def misbehave(self, random: Random) -> None:
        """One step of a network that loses, doubles, delays and reorders."""
        roll = random.random()
        if self.chores and roll < 0.3:
            self.do_chore()
        elif roll < 0.55 and self.to_service:
            # What one client publishes is not reordered (MQTT 3.1.1, 4.6), but lost and doubled.
            request = self.to_service.pop(0)
            for _ in range(random.choice((0, 1, 1, 1, 2))):
                self.serve(request)
        elif roll < 0.9 and self.to_device:
            index = random.randrange(len(self.to_device))
            fate = random.random()
            event = self.to_device[index]
            if fate < 0.8:
                self.to_device.pop(index)
            if fate > 0.2:
                self.feed(event)
        else:
            self.let_time_pass()
