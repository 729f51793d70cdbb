"""The blocks of one image: which to request next, how to handle arrivals, when to give up.

Several requests are in flight, each for a few blocks. A request is repeated when

- no block has arrived for the answer timeout (then all requests in flight are repeated), or
- three later requests have been served in full: its messages were lost, not late.

Any missing block is accepted, requested or not, however late. A block that was received before, or
has the wrong length, is ignored. Reordering and duplication therefore cost only their bytes, and
loss costs a repetition.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from otactl.device.effect import Effect, FetchRange, RequestBlocks
from otactl.device.profile import DeviceProfile
from otactl.device.retry import RetryTimer, earliest
from otactl.device.state import STREAM_REMEDIES, URL_SPENT, URL_USELESS, Remedy
from otactl.model.image import Image


class BlockMap:
    """The blocks of one file.

    Args:
        size_bytes: The file's size.
        block_size: The size of every block except the last, which may be shorter.
        bitmap: The blocks received before, as ``to_bytes`` wrote them.
    """

    __slots__ = ("_bits", "_size_bytes", "block_size", "count", "total")

    def __init__(self, size_bytes: int, block_size: int, bitmap: bytes = b"") -> None:
        self._size_bytes = size_bytes
        self.block_size = block_size
        self.total = -(-size_bytes // block_size)
        self._bits = bytearray((self.total + 7) // 8)
        self.count = 0
        for block in range(min(self.total, 8 * len(bitmap))):
            if bitmap[block >> 3] >> (block & 7) & 1:
                self.add(block)

    def __contains__(self, block: int) -> bool:
        return 0 <= block < self.total and bool(self._bits[block >> 3] >> (block & 7) & 1)

    @property
    def is_complete(self) -> bool:
        """Whether every block was received."""
        return self.count == self.total

    def length_of(self, block: int) -> int:
        """The length of a block in bytes; 0 if the file has no such block."""
        if not 0 <= block < self.total:
            return 0
        return min(self.block_size, self._size_bytes - block * self.block_size)

    def add(self, block: int) -> bool:
        """Mark a block as received. False if it was before, or the file has no such block."""
        if not 0 <= block < self.total or block in self:
            return False
        self._bits[block >> 3] |= 1 << (block & 7)
        self.count += 1
        return True

    def missing(self, start: int = 0) -> Iterator[int]:
        """The blocks not received, from the block ``start`` on."""
        return (block for block in range(start, self.total) if block not in self)

    def to_bytes(self) -> bytes:
        """The map as bits, least significant first, padded to whole bytes."""
        return bytes(self._bits)


#: A request counts as lost when this number of later requests has been served.
OVERTAKEN = 3
#: The maximum number of fresh URLs in a row without a block.
MAX_FRESH_URLS = 3
#: GetStream takes bitmaps of less than 12288 bytes (aws-facts G4).
MAX_BITMAP_SPAN = 8 * 12287
SILENCE = "no block arrived for too long"


@dataclass(slots=True)
class _Request:
    token: str
    blocks: tuple[int, ...]
    waiting: set[int]
    overtaken: int = 0


class Download:
    """The download of one image.

    Args:
        image: What to fetch, and from where; a presigned URL is preferred to a stream.
        blocks: The blocks received before.
        new_timer: Makes timers whose wait doubles up to the profile's longest backoff.
        retries: The number of requests that earlier processes repeated.
    """

    def __init__(
        self,
        image: Image,
        profile: DeviceProfile,
        blocks: BlockMap,
        *,
        new_timer: Callable[[], RetryTimer],
        new_token: Callable[[], str],
        retries: int = 0,
    ) -> None:
        self.blocks = blocks
        self.retries = retries
        #: Why the download cannot go on.
        self.failure: str | None = None
        #: Whether the presigned URL has expired and the download waits for a fresh one.
        self.wants_url = False
        self._image = image
        self._profile = profile
        #: Due when no block has arrived for too long.
        self._stall = new_timer()
        #: Due when requests may be sent again after a temporary refusal.
        self._hold = new_timer()
        self._new_token = new_token
        self._requests: dict[str, _Request] = {}
        self._owners: dict[int, _Request] = {}
        self._lost: list[int] = []
        self._cursor = 0
        self._fresh_urls = 0

    @property
    def next_deadline_ms(self) -> int | None:
        """When the download stalls, or may resume after a refusal."""
        return earliest(self._stall.deadline_ms, self._hold.deadline_ms)

    def fill(self, now_ms: int) -> list[Effect]:
        """New requests, up to the profile's ``requests_in_flight``."""
        effects: list[Effect] = []
        if self._hold.deadline_ms is not None or self.wants_url or self.failure:
            return effects
        while len(self._requests) < self._profile.requests_in_flight:
            blocks = self._take()
            if not blocks:
                break
            if self._stall.deadline_ms is None:
                self._stall.start(now_ms)
            effects.append(self._request(blocks))
        return effects

    def receive(self, block: int, payload: bytes, now_ms: int) -> bool:
        """Accept a block. True if it is new and must be written."""
        if len(payload) != self.blocks.length_of(block) or not self.blocks.add(block):
            return False
        self._fresh_urls = 0
        self._hold.expiries = 0
        request = self._owners.pop(block, None)
        if request is not None:
            request.waiting.discard(block)
            if not request.waiting:
                self._served(request)
        if self._requests:
            # A block arrived: restart the stall timer.
            self._stall.start(now_ms)
        else:
            self._stall.stop()
        return True

    def receive_range(self, token: str, payload: bytes, now_ms: int) -> list[tuple[int, bytes]]:
        """Accept the bytes of a range request; returns the new blocks in it."""
        request = self._requests.get(token)
        if request is None:
            return []
        if len(payload) != sum(self.blocks.length_of(block) for block in request.blocks):
            self._later(request, now_ms)
            return []
        taken, offset = [], 0
        for block in request.blocks:
            piece = payload[offset : offset + self.blocks.length_of(block)]
            offset += len(piece)
            if self.receive(block, piece, now_ms):
                taken.append((block, piece))
        return taken

    def refuse(self, token: str | None, code: str, now_ms: int) -> None:
        """Handle a refusal by the stream service; one without a token is of the oldest request."""
        request = self._requests.get(token or next(iter(self._requests), ""))
        if request is None:
            return
        if STREAM_REMEDIES.get(code, Remedy.LATER) is Remedy.GIVE_UP:
            self._fail(f"stream refused the request: {code}")
        else:
            self._later(request, now_ms)

    def fail_range(self, token: str, http_status: int | None, now_ms: int) -> None:
        """Handle a failed range request."""
        request = self._requests.get(token)
        if request is None:
            return
        if http_status in URL_USELESS:
            self._fail(f"presigned URL answered {http_status}")
        elif http_status in URL_SPENT:
            self._expire_all(count=True)
            self._stall.stop()
            self._fresh_urls += 1
            self.wants_url = True
            if self._fresh_urls > MAX_FRESH_URLS:
                self._fail(f"presigned URL answered {http_status}")
        else:
            self._later(request, now_ms)

    def renew(self, image: Image) -> None:
        """Resume with the URL or stream of a fresh job document."""
        self._image = image
        self.wants_url = False

    def suspend(self) -> None:
        """The connection is lost: request again what was in flight, without counting retries."""
        self._expire_all(count=False)
        self._stall.stop()
        self._hold.stop()

    def on_time(self, now_ms: int) -> None:
        """If no block has arrived in time, repeat the requests in flight, or give up."""
        if self._hold.is_due(now_ms):
            self._hold.stop()
        if not self._stall.is_due(now_ms):
            return
        if self._stall.expiries + 1 >= self._profile.give_up_after:
            self._fail(SILENCE)
            return
        self._expire_all(count=True)
        self._stall.expire(now_ms)

    def _take(self) -> tuple[int, ...]:
        """The next blocks to request: lost ones first, then those not yet requested."""
        by_url = self._image.url is not None
        limit = self._profile.blocks_per_range if by_url else self._profile.blocks_per_request
        taken: list[int] = []
        while len(taken) < limit:
            block = self._next_wanted()
            if block is None:
                break
            span = block - taken[0] if taken else 0
            if taken and (span >= MAX_BITMAP_SPAN or (by_url and block != taken[-1] + 1)):
                heapq.heappush(self._lost, block)
                break
            taken.append(block)
        return tuple(taken)

    def _next_wanted(self) -> int | None:
        while self._lost:
            block = heapq.heappop(self._lost)
            if block not in self.blocks and block not in self._owners:
                return block
        while self._cursor < self.blocks.total:
            block, self._cursor = self._cursor, self._cursor + 1
            if block not in self.blocks and block not in self._owners:
                return block
        return None

    def _request(self, blocks: tuple[int, ...]) -> Effect:
        request = _Request(self._new_token(), blocks, set(blocks))
        self._requests[request.token] = request
        self._owners.update(dict.fromkeys(blocks, request))
        if self._image.url is not None:
            first_byte = blocks[0] * self.blocks.block_size
            size_bytes = sum(map(self.blocks.length_of, blocks))
            return FetchRange(
                url=self._image.url,
                first_byte=first_byte,
                last_byte=first_byte + size_bytes - 1,
                token=request.token,
            )
        return RequestBlocks(
            stream_id=self._image.stream_id or "",
            file_id=self._image.file_id,
            block_size=self.blocks.block_size,
            blocks=blocks,
            token=request.token,
        )

    def _served(self, request: _Request) -> None:
        """Close a request whose blocks have all arrived; expire those overtaken too often."""
        overtaken = []
        for earlier in self._requests.values():
            if earlier is request:
                break
            earlier.overtaken += 1
            if earlier.overtaken >= OVERTAKEN:
                overtaken.append(earlier)
        del self._requests[request.token]
        for earlier in overtaken:
            self._expire(earlier)
            self.retries += 1

    def _later(self, request: _Request, now_ms: int) -> None:
        """Retry after a wait that grows while no block arrives."""
        self._expire(request)
        self.retries += 1
        self._hold.expire(now_ms)
        if self._hold.expiries >= self._profile.give_up_after:
            self._fail(SILENCE)
        elif not self._requests:
            self._stall.stop()

    def _expire(self, request: _Request) -> None:
        del self._requests[request.token]
        for block in request.waiting:
            del self._owners[block]
            heapq.heappush(self._lost, block)

    def _expire_all(self, *, count: bool) -> None:
        self.retries += len(self._requests) if count else 0
        for request in list(self._requests.values()):
            self._expire(request)

    def _fail(self, reason: str) -> None:
        self.failure = reason
        self._expire_all(count=False)
        self._stall.stop()
        self._hold.stop()
