from __future__ import annotations

import asyncio

from otactl.cloud.background import Background
from otactl.cloud.streams.mailbox import DEPTH, Mailboxes


class Answers:
    """Requests that take until they are let, and what was answered in what order."""

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.done: list[str] = []

    def request(self, owner: str, name: str):
        gate = self.gates.setdefault(owner, asyncio.Event())

        async def answer() -> None:
            await gate.wait()
            self.done.append(name)

        return answer


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_one_owner_is_answered_in_order_and_another_does_not_wait_for_it() -> None:
    boxes, answers = Mailboxes(Background()), Answers()
    for name in ("a1", "a2", "a3"):
        await boxes.put("a", answers.request("a", name))
    await boxes.put("b", answers.request("b", "b1"))

    answers.gates["b"].set()
    await settle()
    assert answers.done == ["b1"]
    answers.gates["a"].set()
    await settle()
    assert answers.done == ["b1", "a1", "a2", "a3"]


async def test_who_asks_faster_than_it_is_answered_has_to_wait() -> None:
    boxes, answers = Mailboxes(Background()), Answers()
    putting = [
        asyncio.create_task(boxes.put("a", answers.request("a", str(number))))
        for number in range(DEPTH + 10)
    ]
    await settle()
    assert sum(task.done() for task in putting) == DEPTH

    answers.gates["a"].set()
    await asyncio.gather(*putting)
    await settle()

    assert answers.done == [str(number) for number in range(DEPTH + 10)]


async def test_nothing_is_kept_of_an_owner_who_has_nothing_waiting() -> None:
    boxes, answers = Mailboxes(Background()), Answers()
    answers.gates["a"] = asyncio.Event()
    answers.gates["a"].set()
    for number in range(100):
        await boxes.put("a", answers.request("a", str(number)))
    await settle()

    assert len(boxes) == 0
    assert len(answers.done) == 100


async def test_a_request_that_fails_does_not_end_its_owners_mailbox() -> None:
    async def broken() -> None:
        raise RuntimeError("a bug")

    boxes, answers = Mailboxes(Background()), Answers()
    await boxes.put("a", broken)
    await boxes.put("a", answers.request("a", "after"))
    answers.gates["a"].set()
    await settle()

    assert answers.done == ["after"]
    assert len(boxes) == 0


async def test_nothing_is_kept_of_an_owner_whose_connection_ended_while_it_waited() -> None:
    boxes, answers = Mailboxes(Background()), Answers()
    putting = [
        asyncio.create_task(boxes.put("a", answers.request("a", str(number))))
        for number in range(DEPTH + 2)
    ]
    await settle()
    for task in putting[DEPTH:]:
        task.cancel()
    await settle()
    answers.gates["a"].set()
    await settle()

    assert answers.done == [str(number) for number in range(DEPTH)]
    assert len(boxes) == 0
