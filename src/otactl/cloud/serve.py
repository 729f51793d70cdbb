"""The server process of a local cloud: ``python -m otactl.cloud.serve``.

Started by ``otactl.cloud.start`` and by nobody else, with its settings on standard
input; what it prints goes to ``cloud.log``.
MiniStack reads its configuration when it is imported, so the environment and the clock are set
first and everything else is imported after them.

It ends on SIGTERM, on SIGINT, and when its parent is gone. Nothing may delay that: connections
that are open are cut, and what does not end within a few seconds is cut as well.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
from asyncio import sslproto
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from otactl.cloud import environment
from otactl.cloud.loop import CloudClock, CloudLoop, install_clock
from otactl.cloud.record import RECORD_NAME
from otactl.cloud.settings import ServerSettings

#: Real seconds for an orderly end; after them the process ends as it is.
_MAX_WAIT_SECONDS = 4.0

#: What a TLS connection reads into, one record of TLS; asyncio's 256 KiB are most of what a
#: connected device costs here.
_TLS_BUFFER_BYTES = 16 * 1024

_log = logging.getLogger("otactl.cloud")


def main(text: str) -> None:
    """Serve until asked to stop, and leave no file that says otherwise.

    Args:
        text: The settings as JSON.
    """
    settings = ServerSettings.from_fields(json.loads(text))
    state_dir = Path(settings.state_dir)
    # What an earlier run could not remove has no use any more.
    shutil.rmtree(environment.temporary_directory(state_dir), ignore_errors=True)
    environment.temporary_directory(state_dir).mkdir(parents=True)
    os.environ.update(environment.ministack_environment(settings, state_dir))
    if settings.chosen.speed != 1:
        install_clock(CloudClock(settings.clock_origin_ms / 1000, settings.chosen.speed))
    ending = _Ending(state_dir, remove_state_dir=settings.remove_state_dir)
    mqtt_socket = socket.socket(fileno=settings.mqtt_fd)
    mqtt_socket.set_inheritable(False)

    sslproto.SSLProtocol.max_size = _TLS_BUFFER_BYTES

    def make_loop() -> CloudLoop:
        return CloudLoop(settings.chosen.speed, [mqtt_socket])

    with asyncio.Runner(loop_factory=make_loop) as runner:
        runner.run(_serve(settings, ending))
    ending.finish()


class _Ending:
    """How the process ends: asked once, orderly if it can be, in any case soon."""

    def __init__(self, state_dir: Path, *, remove_state_dir: bool) -> None:
        self._state_dir = state_dir
        self._remove_state_dir = remove_state_dir
        self._loop: asyncio.AbstractEventLoop | None = None
        self.asked = asyncio.Event()

    def listen(self, lifeline_fd: int | None) -> None:
        """Wait for signals, and for the parent's end."""
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._ask, signal.Signals(number).name)
        if lifeline_fd is not None:
            _watch(lifeline_fd, self._on_parent_gone)

    def _ask(self, reason: str) -> None:
        if not self.asked.is_set():
            _log.info("ending: %s", reason)
            self.asked.set()
            self._limit()

    def _on_parent_gone(self) -> None:
        # From another thread, and perhaps with a loop that is stuck: the limit runs in any case.
        self._limit()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ask, "the process that started this one is gone")

    def _limit(self) -> None:
        timer = threading.Timer(_MAX_WAIT_SECONDS, self.finish)
        timer.daemon = True
        timer.start()

    def finish(self) -> NoReturn:
        """End the process, the Lambda functions it started, and what says that it runs."""
        (self._state_dir / RECORD_NAME).unlink(missing_ok=True)
        if self._remove_state_dir:
            shutil.rmtree(self._state_dir, ignore_errors=True)
        else:
            temporary = environment.temporary_directory(self._state_dir)
            shutil.rmtree(temporary, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        # The process leads a group of its own, so this reaches nobody else.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGTERM)
        os._exit(0)


def _watch(lifeline_fd: int, on_end: Callable[[], None]) -> None:
    """Call ``on_end`` once the parent is gone, even by ``kill -9``.

    The parent holds the writing end of a pipe and never writes. When it ends, however it ends, the
    kernel closes that end and the reader here sees the end of the file. Linux' PDEATHSIG is not
    used beside it: it fires when the *thread* that started the child ends, not the process. A
    thread of its own waits, because a busy event loop must not keep an orphan alive.
    """
    os.set_inheritable(lifeline_fd, False)  # noqa: FBT003  # positional-only there

    def wait() -> None:
        while os.read(lifeline_fd, 64):
            pass
        on_end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


async def _serve(settings: ServerSettings, ending: _Ending) -> None:
    ending.listen(settings.lifeline_fd)
    gc.disable()  # what is imported stays to the end: nothing in it to look for
    # Only now: the environment is set, and the imports take a second in which a signal may come.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from otactl.cloud.application import build_application  # noqa: PLC0415

    _raise_file_limit()
    application, tls = build_application(settings)

    class TwoBinds(Config):
        """Plain for AWS's tools, TLS for devices."""

        ssl_enabled = True

        def create_ssl_context(self) -> ssl.SSLContext:
            return tls

    config = TwoBinds()
    config.bind = [f"fd://{settings.https_fd}"]
    config.insecure_bind = [f"fd://{settings.gateway_fd}"]
    config.ssl_handshake_timeout = 60 * settings.chosen.speed
    _collect_garbage_seldom()
    config.keep_alive_timeout = 75 * settings.chosen.speed
    config.graceful_timeout = 0.2 * settings.chosen.speed
    config.loglevel = settings.chosen.log_level
    await serve(application, config, shutdown_trigger=ending.asked.wait)


def _collect_garbage_seldom() -> None:
    """Leave what was imported alone, and go through the rest less often.

    With thousands of devices a full collection holds everybody up for a second or more.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def _raise_file_limit() -> None:
    """Allow as many connections as the system does: a fleet is a thousand sockets."""
    import resource  # noqa: PLC0415  # not on every platform

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main(sys.stdin.read())
