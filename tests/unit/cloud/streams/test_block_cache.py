from __future__ import annotations

import asyncio

import pytest

from otactl.cloud.streams.file_reader import BlockCache


class Source:
    """Gives chunks when it is let, and counts."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.fetched: list[str] = []

    def chunk(self, name: str, size: int = 10):
        async def fetch() -> bytes:
            self.fetched.append(name)
            await self.open.wait()
            return name.encode() * size

        return fetch


async def test_a_chunk_is_fetched_once_for_all_who_wait() -> None:
    cache, source = BlockCache(100), Source()
    waiting = [asyncio.create_task(cache.get("a", source.chunk("a"))) for _ in range(50)]
    await asyncio.sleep(0)
    source.open.set()

    assert set(await asyncio.gather(*waiting)) == {b"a" * 10}
    assert await cache.get("a", source.chunk("a")) == b"a" * 10
    assert source.fetched == ["a"]
    assert cache.fetches == 1


async def test_it_never_holds_more_than_its_bound_and_drops_the_oldest_first() -> None:
    cache, source = BlockCache(25), Source()
    source.open.set()
    for name in ("a", "b", "a", "c", "a", "b"):
        await cache.get(name, source.chunk(name))

    # "a" was used before "c" came, so "b" had to go.
    assert source.fetched == ["a", "b", "c", "b"]
    assert cache.peak_bytes <= 25
    assert cache.held_bytes == 20


async def test_what_is_larger_than_the_bound_is_not_kept() -> None:
    cache, source = BlockCache(5), Source()
    source.open.set()

    assert await cache.get("a", source.chunk("a")) == b"a" * 10
    assert cache.held_bytes == 0


async def test_a_failure_reaches_everybody_and_is_not_kept() -> None:
    cache, source = BlockCache(100), Source()

    async def fail() -> bytes:
        await source.open.wait()
        raise OSError("gone")

    waiting = [asyncio.create_task(cache.get("a", fail)) for _ in range(3)]
    await asyncio.sleep(0)
    source.open.set()
    failures = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(failure) for failure in failures] == [OSError] * 3
    assert await cache.get("a", source.chunk("a")) == b"a" * 10


async def test_one_who_gives_up_does_not_take_it_from_the_others() -> None:
    cache, source = BlockCache(100), Source()
    impatient = asyncio.create_task(cache.get("a", source.chunk("a")))
    patient = asyncio.create_task(cache.get("a", source.chunk("a")))
    await asyncio.sleep(0)

    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    source.open.set()

    assert await patient == b"a" * 10
    assert source.fetched == ["a"]
