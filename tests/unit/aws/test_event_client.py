"""What is left of a connection that was refused: nothing."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import warnings
from contextlib import contextmanager

import aiomqtt
import pytest

from otactl.aws.event_client import DaemonExecutor, EventClient

REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def broker_that_answers(answer):
    """A broker that answers the first handshake so, and closes the line; yields its port."""

    def serve():
        line, _ = server.accept()
        with line:
            line.recv(4096)
            line.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


async def connect(port):
    asyncio.get_running_loop().set_default_executor(DaemonExecutor())
    client = EventClient("127.0.0.1", port, transport="websockets", websocket_path="/mqtt")
    with pytest.raises(aiomqtt.MqttError):
        await client.__aenter__()


@pytest.mark.parametrize("answer", [REFUSAL, b""], ids=["refused", "closed"])
def test_no_socket_is_left_open(answer):
    gc.collect()
    with warnings.catch_warnings(record=True) as left, broker_that_answers(answer) as port:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(connect(port))
        gc.collect()

    assert [str(each.message) for each in left] == []
