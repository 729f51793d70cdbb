"""A call in a thread of its own holds on to nothing once it has ended."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from otactl.aws.event_client import DaemonExecutor


def test_a_failure_does_not_wait_for_the_collector():
    class Held:
        pass

    freed = threading.Event()

    def fail():
        held = Held()
        weakref.finalize(held, freed.set)
        raise OSError(repr(held))

    gc.disable()
    try:
        with pytest.raises(OSError, match="Held") as caught:
            DaemonExecutor().submit(fail).result()
        del caught
        assert freed.wait(5)
    finally:
        gc.enable()
