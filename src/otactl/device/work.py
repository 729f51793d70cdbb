"""The work on one execution, from the document to the verdict.

Everything between ACCEPTED and REPORTING is here; ``machine`` requests executions and sends
reports. The work follows the transitions of ``state``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otactl.device.behaviour import AFTER_SUCCESS, Behaviour
from otactl.device.download import BlockMap, Download
from otactl.device.effect import (
    CheckBoot,
    DropConnection,
    Effect,
    PrepareSlot,
    Reboot,
    SaveWork,
    SwitchSlots,
    VerifySlot,
    WriteSlot,
)
from otactl.device.event import (
    BlockReceived,
    Booted,
    Event,
    RangeFailed,
    RangeReceived,
    SlotFailed,
    StreamRefused,
    Switched,
    Verified,
)
from otactl.device.job import Job
from otactl.device.profile import DeviceProfile
from otactl.device.report import (
    SHA256,
    DownloadCounts,
    Report,
    agent_progress,
    agent_verdict,
    final_report,
    progress_report,
)
from otactl.device.retry import RetryTimer, earliest
from otactl.device.saved_work import SavedWork
from otactl.device.state import Phase, Trigger, step
from otactl.device.verification import refusal_of
from otactl.model.document_format import DocumentFormat
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus


class Work:
    """The work on one execution.

    Args:
        number: Unique among the works of this device.
        runs_well: Versions and digests of images that do not fail, whatever the behaviour.
    """

    def __init__(
        self,
        job: Job,
        number: int,
        *,
        profile: DeviceProfile,
        behaviour: Behaviour,
        new_timer: Callable[[], RetryTimer],
        new_token: Callable[[], str],
        runs_well: frozenset[str] = frozenset(),
    ) -> None:
        self.job = job
        self.number = number
        self.phase = step(Phase.IDLE, Trigger.JOB_TAKEN)
        #: The final report, fixed when the phase becomes REPORTING.
        self.verdict: Report | None = None
        #: Of the bytes in the slot, once they were verified.
        self.sha256: str | None = None
        self._profile = profile
        self._behaviour = behaviour
        self._new_timer = new_timer
        self._new_token = new_token
        self._runs_well = runs_well
        self._download: Download | None = None
        self._download_ms = 0
        self._clocked_at_ms = 0
        #: When the installation or the self-test ends.
        self._finishes_at_ms: int | None = None
        #: The success report saved before the switch of the slots; sent once the new image runs.
        self._promise: Report | None = None
        self._connected = True
        self._may_drop = behaviour is Behaviour.DROP
        self._reported: tuple[Phase, int, int] = (self.phase, 0, 0)
        self._handlers: dict[type, Callable[[Any, int], list[Effect]]] = {
            StreamRefused: self._on_stream_refused,
            RangeReceived: self._on_range,
            RangeFailed: self._on_range_failed,
            Verified: self._on_verified,
            Switched: self._on_switched,
            Booted: self._on_booted,
            SlotFailed: self._on_slot_failed,
        }

    @property
    def counts(self) -> DownloadCounts | None:
        """The counts of the download; None before it begins."""
        if self._download is None:
            return None
        return DownloadCounts(
            received_blocks=self._download.blocks.count,
            total_blocks=self._download.blocks.total,
            retries=self._download.retries,
            duration_ms=self._download_ms,
        )

    @property
    def _is_agent(self) -> bool:
        """Whether it behaves like a device with a FreeRTOS OTA agent."""
        image = self.job.image
        return image is not None and image.document_format is DocumentFormat.AFR_OTA

    @property
    def fate(self) -> Behaviour | None:
        """How the image fails after its installation; None if it does not."""
        version = self.job.image.version if self.job.image else None
        if self._behaviour not in AFTER_SUCCESS or not self._runs_well.isdisjoint(
            (version, self.sha256)
        ):
            return None
        return self._behaviour

    @property
    def wants_url(self) -> bool:
        """Whether the download needs a fresh presigned URL."""
        download = self._downloading
        return download is not None and download.wants_url

    @property
    def next_deadline_ms(self) -> int | None:
        """When to call ``on_time``."""
        download = self._downloading
        return earliest(self._finishes_at_ms, download.next_deadline_ms if download else None)

    @property
    def _downloading(self) -> Download | None:
        return self._download if self.phase is Phase.DOWNLOADING else None

    def start(self, saved: SavedWork | None, now_ms: int, *, has_public_key: bool) -> list[Effect]:
        """Check the document and begin; ``saved`` is the saved work of an earlier process."""
        image = self.job.image
        if saved is not None and saved.identity == self.job.identity and saved.report is not None:
            return self._resume_verdict(saved.report)
        refusal = refusal_of(self.job, self._profile, has_public_key=has_public_key)
        if self._behaviour is Behaviour.SILENT:
            self.phase = step(self.phase, Trigger.FELL_SILENT)
            return []
        if self._behaviour is Behaviour.REJECT:
            refusal = "simulated rejection"
        if refusal is not None or image is None:
            return self._conclude(Trigger.REFUSED, ExecutionStatus.REJECTED, refusal)
        self._clocked_at_ms = now_ms
        return self._start_download(image, saved, now_ms)

    def handle(self, event: Event, now_ms: int) -> list[Effect]:
        """Handle an event of the download or of the slots."""
        if isinstance(event, BlockReceived):
            return self._on_block(event, now_ms)
        handler = self._handlers.get(type(event))
        if handler is None or getattr(event, "work", self.number) != self.number:
            return []
        return handler(event, now_ms)

    def renew(self, job: Job) -> None:
        """Use the fresh document of the same execution."""
        if (download := self._downloading) and download.wants_url and job.image is not None:
            download.renew(job.image)

    def suspend(self) -> None:
        """The connection is lost."""
        self._connected = False
        if download := self._downloading:
            download.suspend()

    def resume(self) -> None:
        """The connection is back."""
        self._connected = True

    def on_time(self, now_ms: int) -> list[Effect]:
        """Handle the deadlines that have passed."""
        if download := self._downloading:
            download.on_time(now_ms)
        if self._finishes_at_ms is None or now_ms < self._finishes_at_ms:
            return []
        self._finishes_at_ms = None
        if self.phase is Phase.SELF_TESTING:
            self.phase = step(self.phase, Trigger.TEST_PASSED)
            self.verdict = self._promise
            return []
        return self._install()

    def proceed(self, now_ms: int) -> list[Effect]:
        """Advance as far as possible: request blocks, or verify a complete image."""
        download = self._downloading
        if download is None or self.job.image is None:
            return []
        self._download_ms += now_ms - self._clocked_at_ms
        self._clocked_at_ms = now_ms
        if download.blocks.is_complete:
            self.phase = step(self.phase, Trigger.ALL_RECEIVED)
            return [VerifySlot(self.number, self.job.image)]
        if download.failure is not None:
            return self._conclude(Trigger.FAILED, ExecutionStatus.FAILED, download.failure)
        if not self._connected:
            return []
        effects = download.fill(now_ms)
        if self._may_drop and download.blocks.count >= download.blocks.total // 2:
            self._may_drop = False
            effects.append(DropConnection(self._profile.drop_ms))
        return effects

    def due_progress(self, now_ms: int) -> Report | None:
        """A progress report, if enough has changed since the last one."""
        counts = self.counts
        if counts is None or self.phase in (Phase.SILENT, Phase.REPORTING):
            return None
        phase, reported_blocks, reported_at_ms = self._reported
        blocks = counts.received_blocks - reported_blocks
        # An agent also reports its first block.
        is_late = blocks > 0 and self._is_agent and not reported_blocks
        is_late |= blocks > 0 and now_ms - reported_at_ms >= self._profile.progress_longest_ms
        if phase is self.phase and blocks < self._profile.progress_blocks and not is_late:
            return None
        self._reported = (self.phase, counts.received_blocks, now_ms)
        report = agent_progress if self._is_agent else progress_report
        return report(self.phase, counts)

    def _on_block(self, event: BlockReceived, now_ms: int) -> list[Effect]:
        image, download = self.job.image, self._downloading
        if (
            download is None
            or image is None
            or (event.stream_id, event.file_id) != (image.stream_id, image.file_id)
            or not download.receive(event.block, event.payload, now_ms)
        ):
            return []
        return self._keep(event.block, event.payload)

    def _on_stream_refused(self, event: StreamRefused, now_ms: int) -> list[Effect]:
        image = self.job.image
        if (download := self._downloading) and image and event.stream_id == image.stream_id:
            download.refuse(event.token, event.code, now_ms)
        return []

    def _on_range(self, event: RangeReceived, now_ms: int) -> list[Effect]:
        if (download := self._downloading) is None:
            return []
        pieces = download.receive_range(event.token, event.payload, now_ms)
        return [effect for block, piece in pieces for effect in self._keep(block, piece)]

    def _on_range_failed(self, event: RangeFailed, now_ms: int) -> list[Effect]:
        if download := self._downloading:
            download.fail_range(event.token, event.http_status, now_ms)
        return []

    def _on_verified(self, event: Verified, now_ms: int) -> list[Effect]:
        if self.phase is not Phase.VERIFYING:
            return []
        self.sha256 = event.sha256
        if event.fault is not None:
            return self._conclude(Trigger.FAILED, ExecutionStatus.FAILED, event.fault)
        self.phase = step(self.phase, Trigger.IMAGE_RIGHT)
        self._finishes_at_ms = now_ms + self._profile.install_ms
        return []

    def _on_switched(self, _event: Switched, _now_ms: int) -> list[Effect]:
        if self.phase is not Phase.INSTALLING or self._promise is None:
            return []
        if self.fate in (Behaviour.REVERT, Behaviour.BRICK):
            return self._promise_success()
        self.phase = step(self.phase, Trigger.SWITCHED)
        return [Reboot(self.number, self._profile.reboot_ms)]

    def _on_booted(self, event: Booted, now_ms: int) -> list[Effect]:
        if self.phase is not Phase.REBOOTING:
            return []
        if event.sha256 is None or event.sha256 != self.sha256:
            reason = "another image was booted"
            return self._conclude(Trigger.FAILED, ExecutionStatus.FAILED, reason)
        if self._is_agent:
            self.phase = step(self.phase, Trigger.TEST_BEGUN)
            self._finishes_at_ms = now_ms + self._profile.self_test_ms
            return []
        self.phase = step(self.phase, Trigger.BOOTED)
        self.verdict = self._promise
        return []

    def _on_slot_failed(self, event: SlotFailed, _now_ms: int) -> list[Effect]:
        if self.phase not in (Phase.DOWNLOADING, Phase.VERIFYING, Phase.INSTALLING):
            return []
        self._finishes_at_ms = None
        return self._conclude(Trigger.FAILED, ExecutionStatus.FAILED, f"slot: {event.reason}")

    def _resume_verdict(self, report: Report) -> list[Effect]:
        """Resume after the verdict of an earlier process; the image may still have to boot."""
        self.sha256 = report.details.get(SHA256)
        if report.status is not ExecutionStatus.SUCCEEDED or self.fate is Behaviour.LIAR:
            self.phase = step(self.phase, Trigger.ALREADY_DECIDED)
            self.verdict = report
            return []
        self.phase = step(self.phase, Trigger.ALREADY_SWITCHED)
        self._promise = report
        return [CheckBoot(self.number)]

    def _start_download(self, image: Image, saved: SavedWork | None, now_ms: int) -> list[Effect]:
        block_size = self._profile.block_size
        kept = saved if saved is not None and saved.fits(image, block_size) else None
        # Blocks of the same image are valid for any job; time and retries only for the same job.
        counted = kept if kept is not None and kept.identity == self.job.identity else None
        self._download_ms = counted.download_ms if counted else 0
        self._download = Download(
            image,
            self._profile,
            BlockMap(image.size_bytes, block_size, kept.received if kept else b""),
            new_timer=self._new_timer,
            new_token=self._new_token,
            retries=counted.retries if counted else 0,
        )
        self.phase = step(self.phase, Trigger.IMAGE_WANTED)
        self._reported = (self.phase, self._download.blocks.count, now_ms)
        return [PrepareSlot(self.number, image.size_bytes, keep=kept is not None)]

    def _keep(self, block: int, payload: bytes) -> list[Effect]:
        effects: list[Effect] = [WriteSlot(self.number, block * self._profile.block_size, payload)]
        if self._download and self._download.blocks.count % self._profile.save_blocks == 0:
            effects.append(SaveWork(self._to_save()))
        return effects

    def _install(self) -> list[Effect]:
        if self._behaviour is Behaviour.FAIL:
            reason = "simulated failure while installing"
            return self._conclude(Trigger.FAILED, ExecutionStatus.FAILED, reason)
        self._promise = self._final_report(ExecutionStatus.SUCCEEDED, self.phase)
        if self.fate is Behaviour.LIAR:
            return [*self._promise_success(), SaveWork(self._to_save())]
        version = self.job.image.version if self.job.image else None
        return [SwitchSlots(self.number, self.sha256 or "", self._to_save(), version)]

    def _promise_success(self) -> list[Effect]:
        self.phase = step(self.phase, Trigger.PROMISED)
        self.verdict = self._promise
        return []

    def _final_report(
        self, status: ExecutionStatus, phase: Phase, reason: str | None = None
    ) -> Report:
        if self._is_agent:
            return agent_verdict(status, reason=reason, sha256=self.sha256)
        return final_report(status, phase, reason=reason, counts=self.counts, sha256=self.sha256)

    def _to_save(self) -> SavedWork:
        return SavedWork(
            identity=self.job.identity,
            content_key=self.job.image.content_key if self.job.image else "",
            block_size=self._profile.block_size,
            received=self._download.blocks.to_bytes() if self._download else b"",
            download_ms=self._download_ms,
            retries=self._download.retries if self._download else 0,
            report=self._promise,
        )

    def _conclude(
        self, trigger: Trigger, status: ExecutionStatus, reason: str | None
    ) -> list[Effect]:
        """Fix the verdict, and save it in case this process dies before the service has it."""
        phase = self.phase
        self.phase = step(self.phase, trigger)
        self.verdict = self._final_report(status, phase, reason)
        self._promise = self.verdict
        return [SaveWork(self._to_save())]
