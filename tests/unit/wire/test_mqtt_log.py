"""What the MQTT library reports of its sockets stays off the terminal."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import otactl

#: A broker that accepts a client and resets its connection, and a client that listens.
PROGRAM = """
import asyncio, socket, struct, threading
import aiomqtt
from otactl.aws.event_client import EventClient

def broker(listening):
    connection, _ = listening.accept()
    connection.recv(1000)
    connection.sendall(bytes([0x20, 2, 0, 0]))  # CONNACK: accepted
    subscribe = connection.recv(1000)
    connection.sendall(bytes([0x90, 3]) + subscribe[2:4] + bytes([0]))  # SUBACK: granted
    connection.recv(1000)  # what says that the client got it
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()

async def listen(port):
    try:
        async with {client}("127.0.0.1", port=port, timeout=5) as client:
            await client.subscribe("anything")
            await client.publish("anything", "subscribed", qos=0)
            async for _ in client.messages:
                pass
    except aiomqtt.MqttError:
        pass

with socket.create_server(("127.0.0.1", 0)) as listening:
    threading.Thread(target=broker, args=(listening,), daemon=True).start()
    asyncio.run(listen(listening.getsockname()[1]))
"""
FAILED = "failed to receive on socket"


def terminal_of(client: str) -> str:
    """What a process without any logging of its own writes to standard error."""
    program = PROGRAM.replace("{client}", client)
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return ran.stderr


def test_a_connection_that_is_reset_says_nothing_on_the_terminal() -> None:
    assert terminal_of("EventClient") == ""


def test_without_our_logger_the_library_would_say_it() -> None:
    assert FAILED in terminal_of("aiomqtt.Client")


@pytest.mark.parametrize("path", ["fleet/connection.py", "aws/event_client.py"])
def test_every_client_has_our_logger(path: str) -> None:
    source = (Path(otactl.__path__[0]) / path).read_text("utf-8")
    given = {
        keyword.arg: ast.unparse(keyword.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    }
    assert given["logger"] == "mqtt_logger()"
