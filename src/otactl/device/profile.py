"""The parameters of a device: its request sizes, timeouts and durations."""

from __future__ import annotations

from dataclasses import dataclass, replace

#: GetStream limits (mqtt-based-file-delivery-in-devices, aws-facts G4).
MIN_BLOCK_SIZE = 256
MAX_BLOCK_SIZE = 131072
MAX_REQUEST_BYTES = 131072

_KIB = 1024
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """The parameters of one device. All times are milliseconds of the device's clock.

    Attributes:
        block_size: Bytes of one stream block. AWS's own device libraries use 4096 (aws-facts G5),
            and AWS meters messages in steps of 5 KB (L): a block of 4096 with its topic is one.
        request_bytes: The bytes of one GetStream request; the service sends at most 128 KiB.
        requests_in_flight: The number of requests in flight. Four of 32 KiB keep a connection of
            AWS's 512 KiB/s (A9) busy up to a round trip of 250 ms.
        range_bytes: The bytes of one HTTP range request to a presigned URL.
        answer_timeout_ms: How long to wait for an answer, or for any block, before a retry;
            AWS's library waits as long for a block (G5).
        longest_backoff_ms: The wait doubles with each retry up to this.
        give_up_after: The download fails after this number of waits in a row without a block.
            With the defaults that is after about eight minutes.
        install_ms: How long installing takes.
        reboot_ms: How long a reboot takes; the device is offline.
        self_test_ms: How long the self-test of a device with a FreeRTOS OTA agent takes.
        drop_ms: How long a device that drops its connection stays offline.
        crash_ms: How long the image of a device in a crash loop runs from one boot to the next.
        report_ms: How long after an execution a device reports its version.
        late_ms: How long after its success a late device reports its version.
        progress_blocks: Progress is reported every N blocks, as AWS's library does (G5) …
        progress_shortest_ms: … but never more often than this …
        progress_longest_ms: … and at least this often while blocks arrive.
        save_blocks: The map of received blocks is written to disk every N blocks.
        idle_poll_ms: An idle device polls for jobs this often, in case a notification was lost.
        slot_bytes: The size of a slot, and so of the largest image.
        link_bytes_per_second: The bandwidth of a slow link; only slow devices have one.
        require_signature: Refuse images without a signature.
    """

    block_size: int = 4096
    request_bytes: int = 32 * _KIB
    requests_in_flight: int = 4
    range_bytes: int = 128 * _KIB
    answer_timeout_ms: int = 10_000
    longest_backoff_ms: int = 60_000
    give_up_after: int = 10
    install_ms: int = 500
    reboot_ms: int = 500
    self_test_ms: int = 500
    drop_ms: int = 2_000
    crash_ms: int = 20_000
    report_ms: int = 1_500
    late_ms: int = 120_000
    progress_blocks: int = 64
    progress_shortest_ms: int = 1_000
    progress_longest_ms: int = 10_000
    save_blocks: int = 64
    idle_poll_ms: int = 300_000
    slot_bytes: int = 256 * _MIB
    link_bytes_per_second: int = 16 * _KIB
    require_signature: bool = False

    def __post_init__(self) -> None:
        if not MIN_BLOCK_SIZE <= self.block_size <= MAX_BLOCK_SIZE:
            raise ValueError(
                f"block_size is {self.block_size}; a stream allows {MIN_BLOCK_SIZE} to "
                f"{MAX_BLOCK_SIZE} bytes"
            )
        if not 0 < self.request_bytes <= MAX_REQUEST_BYTES:
            raise ValueError(
                f"request_bytes is {self.request_bytes}; a request yields {MAX_REQUEST_BYTES} "
                "bytes at most"
            )
        for name in _AT_LEAST_ONE:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative")

    @property
    def blocks_per_request(self) -> int:
        """The number of blocks in one GetStream request."""
        return max(1, self.request_bytes // self.block_size)

    @property
    def blocks_per_range(self) -> int:
        """The number of blocks in one HTTP range request."""
        return max(1, self.range_bytes // self.block_size)

    def for_clock_speed(self, speed: float) -> DeviceProfile:
        """The profile of a device whose clock runs ``speed`` times as fast as the network.

        The durations of its own work stay the same by its clock. Network timeouts and intervals do
        not shrink in real time: the broker is not faster and cannot handle more messages.
        """

        def stretched(duration_ms: int) -> int:
            return max(1, int(duration_ms * speed))

        return replace(
            self,
            answer_timeout_ms=stretched(self.answer_timeout_ms),
            longest_backoff_ms=stretched(self.longest_backoff_ms),
            progress_shortest_ms=stretched(self.progress_shortest_ms),
            progress_longest_ms=stretched(self.progress_longest_ms),
            idle_poll_ms=stretched(self.idle_poll_ms),
            # Each crash opens a TLS connection: at most one per second of real time.
            crash_ms=max(self.crash_ms, stretched(1_000) if speed > 1 else 0),
        )


_NOT_NEGATIVE = (
    *("install_ms", "reboot_ms", "self_test_ms", "drop_ms", "progress_shortest_ms"),
    *("crash_ms", "report_ms", "late_ms"),
)
_AT_LEAST_ONE = (
    "requests_in_flight",
    "range_bytes",
    "answer_timeout_ms",
    "longest_backoff_ms",
    "give_up_after",
    "progress_blocks",
    "save_blocks",
    "idle_poll_ms",
    "slot_bytes",
    "link_bytes_per_second",
)
