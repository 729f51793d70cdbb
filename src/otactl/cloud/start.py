"""Start a local cloud in its own process.

    with start_local_cloud(CloudSettings()) as cloud:
        ...cloud.address...

Ports and files are reserved first (see ``reservation``). The process gets its settings on standard
input, inherits the reserved files, and ends with its parent unless it was started ``detached``.

Only its public surface says whether it is ready: ``/_ministack/ready`` once its MQTT listener is
bound, ``/_ministack/iot/ca.pem`` with the CA, and a TLS handshake against that CA, which also makes
the broker build its certificate before the first device waits for it.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

from otactl.cloud import record
from otactl.cloud.environment import server_environment
from otactl.cloud.process import HOST, LOG_NAME, NotReady, RunningCloud, get
from otactl.cloud.reservation import Reservation
from otactl.cloud.settings import CloudSettings, ServerSettings
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.local_cloud import LocalCloudAddress

CA_NAME = "ca.pem"
CA_BUNDLE_NAME = "ca-bundle.pem"
_START_SECONDS = 90.0
_POLL_SECONDS = 0.05
_ATTEMPT_SECONDS = 10.0
_LOG_TAIL_LINES = 15


def start_local_cloud(settings: CloudSettings, *, detached: bool = False) -> RunningCloud:
    """Start a local cloud and wait until it can be used.

    Args:
        settings: Its options.
        detached: Keep it running when this process ends; it needs a state directory then.

    Raises:
        LocalResourceMissing: A port is taken, a directory cannot be written, or it failed to
            start; the message says which and why.
        AlreadyRunning: A cloud runs with this state directory.
        UserMistake: The ``local`` extra is not installed.
    """
    if find_spec("ministack") is None:
        raise UserMistake(
            "the local cloud needs MiniStack, which is not installed",
            hint="pip install 'otactl[local]'",
        )
    reservation = Reservation.make(settings)
    try:
        return _start(settings, reservation, detached=detached)
    except BaseException:
        if reservation.remove_state_dir:
            shutil.rmtree(reservation.state_dir, ignore_errors=True)
        raise
    finally:
        reservation.close()


def _start(settings: CloudSettings, reservation: Reservation, *, detached: bool) -> RunningCloud:
    lifeline_reader, lifeline_writer = (None, None) if detached else os.pipe()
    server = ServerSettings(
        gateway_fd=reservation.gateway.fileno(),
        https_fd=reservation.https.fileno(),
        mqtt_fd=reservation.mqtt.fileno(),
        lifeline_fd=lifeline_reader,
        port=reservation.gateway.getsockname()[1],
        https_port=reservation.https.getsockname()[1],
        mqtt_port=reservation.mqtt.getsockname()[1],
        state_dir=str(reservation.state_dir),
        remove_state_dir=reservation.remove_state_dir and not detached,
        clock_origin_ms=time.time_ns() // 1_000_000,
        access_key_id=f"AKIA{secrets.token_hex(8).upper()}",
        secret_access_key=secrets.token_urlsafe(30),
        cloud_secret=secrets.token_urlsafe(32),
        chosen=replace(settings, state_dir=None),
    )
    inherited = [*reservation.file_descriptors]
    if lifeline_reader is not None:
        inherited.append(lifeline_reader)
    try:
        process = _spawn(server, reservation.state_dir / LOG_NAME, inherited)
    finally:
        if lifeline_reader is not None:
            os.close(lifeline_reader)
    # Our copies of the listening sockets must go, or a dead server would still seem to listen.
    reservation.close_sockets()
    cloud = RunningCloud(process, lifeline_writer)
    try:
        cloud.address = _await_address(process, server)
        record.write_record(cloud.address)
    except BaseException:
        cloud.stop()
        raise
    return cloud


def _spawn(server: ServerSettings, log: Path, inherited: list[int]) -> subprocess.Popen[bytes]:
    # Through a pipe, not as an argument: the settings have secrets, any user can list arguments.
    # They fit into the pipe's buffer, so this does not wait for the reader.
    reader, writer = os.pipe()
    os.write(writer, json.dumps(asdict(server)).encode())
    os.close(writer)
    try:
        with log.open("wb") as log_file:
            return subprocess.Popen(
                [sys.executable, "-m", "otactl.cloud.serve"],
                stdin=reader,
                stdout=log_file,
                stderr=log_file,
                env=server_environment(os.environ),
                cwd=server.state_dir,
                pass_fds=inherited,
                # A group of its own: Ctrl-C in the terminal is for the parent to act on, and
                # Lambda functions can be ended with their server.
                start_new_session=True,
            )
    finally:
        os.close(reader)


def _await_address(process: subprocess.Popen[bytes], server: ServerSettings) -> LocalCloudAddress:
    state_dir = Path(server.state_dir)
    ca_file = state_dir / CA_NAME

    def check() -> None:
        if process.poll() is not None:
            raise NotReady(f"its process ended with {process.returncode}")

    try:
        _await_ready(server, ca_file, check)
    except NotReady as error:
        log = state_dir / LOG_NAME
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:])
        raise LocalResourceMissing(
            f"the local cloud did not start: {error}", hint=f"the end of {log}:\n{tail}"
        ) from error
    return LocalCloudAddress(
        endpoint_url=f"http://{HOST}:{server.port}",
        region=server.chosen.region,
        account_id=server.chosen.account_id,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        cloud_secret=server.cloud_secret,
        mqtt_host=HOST,
        mqtt_port=server.mqtt_port,
        ca_file=str(ca_file),
        https_url=f"https://{HOST}:{server.https_port}",
        ca_bundle_file=str(_write_ca_bundle(ca_file)),
        clock_speed=server.chosen.speed,
        clock_origin_ms=server.clock_origin_ms,
        pid=process.pid,
        state_dir=server.state_dir,
    )


def _await_ready(server: ServerSettings, ca_file: Path, check: Callable[[], None]) -> None:
    """Wait until the cloud can be used, and write the CA of its broker to ``ca_file``.

    Args:
        check: Called between attempts; raises if the cloud cannot become ready any more.

    Raises:
        NotReady: It did not become ready in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while True:
        check()
        try:
            get(server.port, server.cloud_secret, "/_ministack/ready")
            ca = get(server.port, server.cloud_secret, "/_ministack/iot/ca.pem")
            ca_file.write_text(ca)
            _handshake(server.mqtt_port, ca_file)
        except (OSError, http.client.HTTPException, NotReady) as error:
            if time.monotonic() > deadline:
                raise NotReady(f"not ready after {_START_SECONDS:g} seconds: {error}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _handshake(port: int, ca_file: Path) -> None:
    context = ssl.create_default_context(cafile=str(ca_file))
    with (
        socket.create_connection((HOST, port), timeout=_ATTEMPT_SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=HOST),
    ):
        pass


def _write_ca_bundle(ca_file: Path) -> Path:
    """The system's roots and the cloud's CA in one file, for tools that take one only."""
    system = ssl.get_default_verify_paths().cafile or _roots_of_botocore()
    bundle = ca_file.with_name(CA_BUNDLE_NAME)
    bundle.write_bytes(Path(system).read_bytes() + b"\n" + ca_file.read_bytes())
    return bundle


def _roots_of_botocore() -> str:
    import botocore.httpsession  # noqa: PLC0415  # a tenth of a second, where it is needed only

    return str(botocore.httpsession.DEFAULT_CA_BUNDLE)
