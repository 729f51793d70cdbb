"""The connection that events come over ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import aiomqtt

from otactl.aws.job_events import JobEvents


def test_it_ends_although_a_cancellation_gets_lost(clients, unique, monkeypatch):
    """Python 3.11's ``asyncio.wait_for`` loses one that comes with what it waited for."""
    subscribe, is_held = aiomqtt.Client.subscribe, threading.Event()

    async def subscribe_and_lose(self, topics, **settings):
        granted = await subscribe(self, topics, **settings)
        is_held.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        return granted

    monkeypatch.setattr(aiomqtt.Client, "subscribe", subscribe_and_lose)
    posted = []
    events = JobEvents(clients, [f"job-{unique}"], post=posted.append)
    with events:
        assert is_held.wait(20)
        before = time.monotonic()

    assert time.monotonic() - before < 1
    assert not events._thread.is_alive()
    assert posted == []
