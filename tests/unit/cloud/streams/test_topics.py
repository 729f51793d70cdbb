from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any

import cbor2
from tests.unit.cloud.streams.memory import HERE, Cloud, MemoryObjects

from otactl.cloud.background import Background
from otactl.cloud.streams.device import DeviceService
from otactl.cloud.streams.mailbox import DEPTH, Mailboxes
from otactl.cloud.streams.topics import StreamTopics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from otactl.cloud.scope import Scope

BLOCKS = 8
IMAGE = bytes(BLOCKS * 4096)


class MemoryBroker:
    """Delivers to the service, and collects what it publishes; some things take nothing."""

    def __init__(self, stuck: frozenset[str] = frozenset()) -> None:
        self.stuck = stuck
        self.listeners: list[Callable[[str, bytes, Any], Awaitable[None]]] = []
        self.published: list[tuple[str, bytes]] = []
        self.under_way = Counter[str]()
        self.changed = asyncio.Condition()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(holds)

    async def subscribe(
        self,
        _scope: Scope,
        _topic_filter: str,
        on_message: Callable[[str, bytes, Any], Awaitable[None]],
    ) -> None:
        self.listeners.append(on_message)
        async with self.changed:
            self.changed.notify_all()

    async def answer(self, _scope: Scope, topic: str, payload: bytes, to: Any) -> None:
        assert to == f"the connection of {topic.split('/')[2]}"
        thing = topic.split("/")[2]
        self.under_way[thing] += 1
        if thing in self.stuck:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        self.under_way[thing] -= 1
        self.published.append((topic, payload))
        async with self.changed:
            self.changed.notify_all()

    async def ask(self, topic: str, payload: bytes) -> None:
        await self.listeners[0](topic, payload, f"the connection of {topic.split('/')[2]}")


class BrokenObjects(MemoryObjects):
    """Fails as nothing should."""

    async def read(self, *_: object) -> bytes:
        raise RuntimeError("a bug")


async def service(cloud: Cloud, broker: MemoryBroker) -> Mailboxes:
    background = Background()
    mailboxes = Mailboxes(background)
    topics = StreamTopics(broker, DeviceService(cloud.store, cloud.reader), mailboxes, background)
    topics.listen_in(HERE)
    topics.listen_in(HERE)
    await broker.until(lambda: len(broker.listeners) == 2)
    return mailboxes


async def test_a_thousand_things_are_answered_beside_ten_that_take_nothing() -> None:
    cloud = Cloud()
    await cloud.make_stream(IMAGE)
    stuck = frozenset(f"stuck-{number}" for number in range(10))
    broker = MemoryBroker(stuck)
    mailboxes = await service(cloud, broker)
    request = cbor2.dumps({"f": 0, "l": 4096, "n": BLOCKS})

    for thing in [*stuck, *(f"thing-{number}" for number in range(1000))]:
        await broker.ask(f"$aws/things/{thing}/streams/s/get/cbor", request)
    await broker.until(lambda: len(broker.published) == 1000 * BLOCKS)
    for _ in range(5):
        await asyncio.sleep(0)  # the last mailboxes close

    assert set(Counter(topic for topic, _ in broker.published).values()) == {BLOCKS}
    assert len(mailboxes) == len(stuck)
    # Of a thing that takes nothing one block waits on its way, not its whole answer.
    assert {broker.under_way[thing] for thing in stuck} == {1}
    assert len(cloud.objects.reads) == 1


async def test_a_thing_that_never_takes_an_answer_has_to_stop_asking() -> None:
    cloud = Cloud()
    await cloud.make_stream(IMAGE)
    broker = MemoryBroker(frozenset({"t"}))
    await service(cloud, broker)

    async def ask() -> None:
        await broker.ask("$aws/things/t/streams/s/get/cbor", cbor2.dumps({"f": 0, "l": 4096}))

    asking = [asyncio.create_task(ask()) for _ in range(DEPTH + 5)]
    for _ in range(50):
        await asyncio.sleep(0)

    assert sum(task.done() for task in asking) == DEPTH
    for task in asking:
        task.cancel()


async def test_other_topics_under_the_filters_are_left_alone() -> None:
    cloud, broker = Cloud(), MemoryBroker()
    mailboxes = await service(cloud, broker)

    await broker.ask("$aws/things/t/streams/s/get/xml", b"")
    await broker.ask("$aws/things/t/streams/s/data/json", b"")

    assert len(mailboxes) == 0


async def test_a_fault_of_our_own_is_answered_too() -> None:
    cloud, broker = Cloud(objects=BrokenObjects()), MemoryBroker()
    await cloud.make_stream(IMAGE)
    await service(cloud, broker)

    await broker.ask("$aws/things/t/streams/s/get/cbor", cbor2.dumps({"f": 0, "l": 4096}))
    await broker.until(lambda: bool(broker.published))

    [(topic, payload)] = broker.published
    assert topic == "$aws/things/t/streams/s/rejected/cbor"
    assert cbor2.loads(payload)["o"] == "InternalError"
