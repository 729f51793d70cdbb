"""Which blocks are asked for, when again, and when the device gives up."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from otactl.device.download import BlockMap, Download
from otactl.device.effect import FetchRange, RequestBlocks
from otactl.device.profile import DeviceProfile
from otactl.device.retry import RetryTimer
from otactl.model.image import Image

SIZE = 256 * 20 - 56
IMAGE = Image(size_bytes=SIZE, file_id=1, stream_id="s", md5="0" * 32)
BY_URL = Image(size_bytes=SIZE, url="https://example.com/i?secret", md5="0" * 32)


def _download(image: Image = IMAGE, have: bytes = b"", **profile: Any) -> Download:
    settings = {
        "block_size": 256,
        "request_bytes": 1024,
        "range_bytes": 1024,
        "requests_in_flight": 3,
        "answer_timeout_ms": 1000,
        "give_up_after": 4,
    }
    numbers = count(1)
    return Download(
        image,
        DeviceProfile(**(settings | profile)),
        BlockMap(SIZE, 256, have),
        new_timer=lambda: RetryTimer(1000, 60_000, 0),
        new_token=lambda: f"t{next(numbers)}",
    )


def _asked(download: Download, now_ms: int = 0) -> list[tuple[int, ...]]:
    requests = download.fill(now_ms)
    return [request.blocks for request in requests if isinstance(request, RequestBlocks)]


def _payload(block: int) -> bytes:
    return bytes(256 if block < 19 else 200)


def test_several_requests_are_in_flight_and_no_more() -> None:
    download = _download()

    assert _asked(download) == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)]
    assert _asked(download) == []


def test_what_is_there_already_is_not_asked_for() -> None:
    download = _download(have=b"\x0f\xaa")

    assert _asked(download) == [(4, 5, 6, 7), (8, 10, 12, 14), (16, 17, 18, 19)]


def test_a_served_request_makes_room_for_the_next() -> None:
    download = _download()
    _asked(download)
    for block in (4, 5, 6, 7):
        assert download.receive(block, _payload(block), 0)

    assert _asked(download) == [(12, 13, 14, 15)]


@pytest.mark.parametrize(
    ("block", "payload"), [(0, b""), (0, bytes(255)), (19, bytes(256)), (20, bytes(256)), (-1, b"")]
)
def test_a_block_that_cannot_be_of_the_file_changes_nothing(block: int, payload: bytes) -> None:
    download = _download()
    _asked(download)

    assert not download.receive(block, payload, 0)
    assert download.blocks.count == 0


def test_a_doubled_block_is_taken_once() -> None:
    download = _download()
    _asked(download)

    assert download.receive(0, _payload(0), 0)
    assert not download.receive(0, bytes(range(256)), 0)


def test_silence_repeats_everything_in_flight_with_longer_waits() -> None:
    download = _download()
    _asked(download)
    download.receive(1, _payload(1), 500)
    assert download.next_deadline_ms == 1500

    download.on_time(1500)

    assert _asked(download, 1500) == [(0, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)]
    assert download.retries == 3
    assert download.next_deadline_ms == 1500 + 2000


def test_a_request_that_was_overtaken_three_times_is_repeated_without_a_wait() -> None:
    download = _download()
    _asked(download)
    now = 10
    for block in range(4, 16):
        # Every request but the first is served; its own first block arrived, the rest is lost.
        download.receive(block, _payload(block), now)
        if block % 4 == 3 and block < 15:
            _asked(download, now)
    download.receive(0, _payload(0), now)

    assert download.retries == 1
    assert (1, 2, 3) in [blocks[:3] for blocks in _asked(download, now)]


def test_it_gives_up_after_so_many_silences_in_a_row() -> None:
    download = _download()
    _asked(download)
    silences = 0
    while download.failure is None:
        assert download.next_deadline_ms is not None
        now = download.next_deadline_ms
        download.on_time(now)
        _asked(download, now)
        silences += 1

    assert silences == 4
    assert download.failure == "no block arrived for too long"
    assert _asked(download, 10**9) == []


def test_one_block_in_between_is_enough_to_go_on() -> None:
    download = _download()
    _asked(download)
    for block in range(20):
        assert download.next_deadline_ms is not None
        now = download.next_deadline_ms
        download.on_time(now)
        _asked(download, now)
        download.receive(block, _payload(block), now)

    assert download.failure is None
    assert download.blocks.is_complete
    assert download.next_deadline_ms is None


def test_a_refusal_that_may_pass_waits_and_asks_again() -> None:
    download = _download(requests_in_flight=1)
    _asked(download)

    download.refuse("t1", "InternalError", 100)

    assert _asked(download, 100) == []
    assert download.next_deadline_ms == 100 + 2000
    download.on_time(2100)
    assert _asked(download, 2100) == [(0, 1, 2, 3)]


def test_a_refusal_that_cannot_pass_ends_the_download() -> None:
    download = _download()
    _asked(download)

    download.refuse(None, "ETagMismatch", 0)

    assert download.failure == "stream refused the request: ETagMismatch"


def test_a_refusal_of_an_old_request_is_ignored() -> None:
    download = _download()
    _asked(download)

    download.refuse("t99", "ResourceNotFound", 0)

    assert download.failure is None


def test_a_lost_connection_asks_again_and_counts_no_retry() -> None:
    download = _download()
    _asked(download)
    download.suspend()

    assert download.next_deadline_ms is None
    assert _asked(download, 5000) == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)]
    assert download.retries == 0


def _ranges(download: Download, now_ms: int = 0) -> list[tuple[int, int]]:
    return [
        (request.first_byte, request.last_byte)
        for request in download.fill(now_ms)
        if isinstance(request, FetchRange)
    ]


def test_by_url_ranges_are_asked_for_up_to_gaps_and_the_end() -> None:
    # Blocks 2 and 18 are there.
    download = _download(BY_URL, b"\x04\x00\x04", requests_in_flight=9)

    assert _ranges(download) == [
        (0, 511),
        (768, 1791),
        (1792, 2815),
        (2816, 3839),
        (3840, 4607),
        (4864, 5063),
    ]


def test_a_range_becomes_blocks() -> None:
    download = _download(BY_URL)
    _ranges(download)

    pieces = download.receive_range("t1", bytes(1024), 0)

    assert [block for block, _ in pieces] == [0, 1, 2, 3]
    assert download.receive_range("t1", bytes(1024), 0) == []


def test_a_range_of_another_length_is_asked_for_again() -> None:
    download = _download(BY_URL, requests_in_flight=1)
    _ranges(download)

    assert download.receive_range("t1", bytes(1000), 0) == []
    assert download.blocks.count == 0
    assert download.retries == 1


def test_a_spent_url_is_renewed_a_few_times_and_then_given_up() -> None:
    download = _download(BY_URL)
    for attempt in range(1, 5):
        assert _ranges(download)
        token = f"t{3 * attempt - 2}"
        download.fail_range(token, 403, 0)
        assert download.wants_url
        if attempt < 4:
            assert download.failure is None
            download.renew(BY_URL)

    assert download.failure == "presigned URL answered 403"


def test_a_missing_object_ends_the_download_at_once() -> None:
    download = _download(BY_URL)
    _ranges(download)

    download.fail_range("t1", 404, 0)

    assert download.failure == "presigned URL answered 404"


def test_a_url_shows_in_no_repr() -> None:
    download = _download(BY_URL)

    assert "secret" not in repr(download.fill(0)) + repr(BY_URL)
