"""The server process of a local cloud: ``python -m otactl.cloud.serve``.

Started only by ``otactl.cloud.start``, with its settings on standard input; its output goes to
``cloud.log``. MiniStack reads its configuration when it is imported, so the environment and the
clock are set first and everything else is imported after them.

It ends on SIGTERM, on SIGINT, and when its parent has ended. Nothing may delay that: open
connections are closed, and the process ends after a few seconds in any case.
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

#: Real seconds for an orderly shutdown; after them the process ends at once.
_MAX_WAIT_SECONDS = 4.0

#: The read buffer of a TLS connection, one TLS record; asyncio's 256 KiB are most of the memory
#: that a connected device costs.
_TLS_BUFFER_BYTES = 16 * 1024

_log = logging.getLogger("otactl.cloud")


def main(text: str) -> None:
    """Serve until asked to stop, then delete the record.

    Args:
        text: The settings as JSON.
    """
    settings = ServerSettings.from_fields(json.loads(text))
    state_dir = Path(settings.state_dir)
    # Files that an earlier run could not remove.
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
    """Ends the process once: orderly if possible, in any case within seconds."""

    def __init__(self, state_dir: Path, *, remove_state_dir: bool) -> None:
        self._state_dir = state_dir
        self._remove_state_dir = remove_state_dir
        self._loop: asyncio.AbstractEventLoop | None = None
        self.asked = asyncio.Event()

    def listen(self, lifeline_fd: int | None) -> None:
        """Handle signals and the parent's end."""
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
        # Called in another thread, and the loop may be stuck: start the time limit first.
        self._limit()
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ask, "the parent process has ended")

    def _limit(self) -> None:
        timer = threading.Timer(_MAX_WAIT_SECONDS, self.finish)
        timer.daemon = True
        timer.start()

    def finish(self) -> NoReturn:
        """End the process and its Lambda functions, and delete the record."""
        (self._state_dir / RECORD_NAME).unlink(missing_ok=True)
        if self._remove_state_dir:
            shutil.rmtree(self._state_dir, ignore_errors=True)
        else:
            temporary = environment.temporary_directory(self._state_dir)
            shutil.rmtree(temporary, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        # The process leads its own group, so this signals only its Lambda functions.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGTERM)
        os._exit(0)


def _watch(lifeline_fd: int, on_end: Callable[[], None]) -> None:
    """Call ``on_end`` once the parent has ended, even by ``kill -9``.

    The parent holds the writing end of a pipe and never writes. When the parent ends in any way,
    the kernel closes that end and this reader gets end of file. Linux' PDEATHSIG is not used: it
    fires when the *thread* that started the child ends, not the process. A separate thread waits,
    because a busy event loop must not keep an orphan alive.
    """
    os.set_inheritable(lifeline_fd, False)  # noqa: FBT003  # positional-only there

    def wait() -> None:
        while os.read(lifeline_fd, 64):
            pass
        on_end()

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


async def _serve(settings: ServerSettings, ending: _Ending) -> None:
    ending.listen(settings.lifeline_fd)
    gc.disable()  # imported objects are never freed
    # Only now: the environment is set, and signals are handled during the second that this takes.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from otactl.cloud.application import build_application  # noqa: PLC0415

    _raise_file_limit()
    application, tls = build_application(settings)

    class TwoBinds(Config):
        """HTTP for AWS's tools, HTTPS for devices."""

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
    """Exclude imported objects from garbage collection, and collect the others less often.

    With thousands of devices a full collection blocks all requests for a second or more.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def _raise_file_limit() -> None:
    """Raise the limit of open files to the system's: a fleet may have thousands of sockets."""
    import resource  # noqa: PLC0415  # not on every platform

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main(sys.stdin.read())
