from __future__ import annotations

import asyncio
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cloud.streams.memory import HERE, ROLE, Cloud

from otactl.cloud.streams.file_reader import CHECK_SECONDS, CHUNK_BYTES
from otactl.cloud.streams.record import FaultKind, S3Location, StreamFault

LARGE = os.urandom(3 * CHUNK_BYTES + 100)


async def refusal(awaitable) -> FaultKind:
    with pytest.raises(StreamFault) as refused:
        await awaitable
    return refused.value.kind


@given(st.integers(0, len(LARGE)), st.integers(0, 200_000))
@settings(max_examples=40)
async def test_every_range_is_that_of_the_file(start: int, length: int) -> None:
    cloud = Cloud(cache_bytes=2 * CHUNK_BYTES)
    await cloud.make_stream(LARGE)
    [file] = cloud.store.describe(HERE, "s").files

    assert await cloud.reader.read(HERE, file, start, length) == LARGE[start : start + length]


async def test_a_large_file_is_never_read_whole_for_one_block() -> None:
    cloud = Cloud()
    await cloud.make_stream(LARGE)
    [file] = cloud.store.describe(HERE, "s").files

    for _ in range(5):
        await cloud.reader.read(HERE, file, CHUNK_BYTES + 7, 4096)

    assert cloud.objects.reads == [(CHUNK_BYTES, CHUNK_BYTES)]


async def test_a_fleet_reads_the_object_once_within_bounded_memory() -> None:
    cloud = Cloud(cache_bytes=CHUNK_BYTES)
    await cloud.make_stream(LARGE[:CHUNK_BYTES], LARGE)
    small, large = cloud.store.describe(HERE, "s").files

    await asyncio.gather(
        *(cloud.reader.read(HERE, small, block * 4096, 4096) for block in range(128))
    )
    assert len(cloud.objects.reads) == 1
    for start in range(0, len(LARGE), 65536):
        await cloud.reader.read(HERE, large, start, 65536)

    assert cloud.reader.cache.peak_bytes <= CHUNK_BYTES


async def test_a_changed_object_is_noticed_within_a_second_and_asked_about_once_a_second() -> None:
    cloud = Cloud()
    await cloud.make_stream(b"old")
    stream = cloud.store.describe(HERE, "s")
    [file] = stream.files
    polls = cloud.objects.polls
    for _ in range(100):
        await cloud.reader.check(HERE, stream, file)
    assert cloud.objects.polls == polls + 1

    cloud.objects.contents[file.location] = b"new"
    cloud.clock.now += CHECK_SECONDS

    assert await refusal(cloud.reader.check(HERE, stream, file)) is FaultKind.ETAG_MISMATCH


async def test_other_bytes_are_never_read_even_before_the_change_is_noticed() -> None:
    cloud = Cloud()
    await cloud.make_stream(LARGE)
    stream = cloud.store.describe(HERE, "s")
    [file] = stream.files
    await cloud.reader.check(HERE, stream, file)
    await cloud.reader.read(HERE, file, 0, 10)
    cloud.objects.contents[file.location] = b"\0" * len(LARGE)

    assert await cloud.reader.read(HERE, file, 0, 10) == LARGE[:10]
    later = cloud.reader.read(HERE, file, CHUNK_BYTES, 10)
    assert await refusal(later) is FaultKind.ETAG_MISMATCH


async def test_a_role_that_may_not_read_any_more_is_noticed() -> None:
    cloud = Cloud()
    await cloud.make_stream(b"old")
    stream = cloud.store.describe(HERE, "s")
    cloud.roles.refuses = True

    kind = await refusal(cloud.reader.check(HERE, stream, stream.files[0]))

    assert kind is FaultKind.UNAUTHORIZED


async def test_what_cannot_be_streamed_is_refused_when_the_stream_is_made() -> None:
    cloud = Cloud()
    location = S3Location(bucket="b", key="k")

    assert await refusal(cloud.reader.pin(HERE, ROLE, location)) is FaultKind.NOT_FOUND
    cloud.objects.contents[location] = bytes(24 * 1024 * 1024 + 1)
    assert await refusal(cloud.reader.pin(HERE, ROLE, location)) is FaultKind.LIMIT_EXCEEDED
    cloud.objects.contents[location] = bytes(24 * 1024 * 1024)
    assert (await cloud.reader.pin(HERE, ROLE, location)).size_bytes == 24 * 1024 * 1024
