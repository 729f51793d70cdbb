"""The lifecycle events of jobs over MQTT, with a connection that is reopened when it is lost.

One connection for all jobs of a command, in its own thread. Messages are decoded here and passed
on as values; invalid ones are skipped. After a loss the credentials are read again: they may be
the cause. A client may subscribe to a thing's notifications and presence, but on AWS not to its
requests (aws-facts F1): the attempt could cost the connection. So requests are subscribed to only
on a local cloud.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Self

import aiomqtt

from otactl.aws.clients import AwsClients
from otactl.aws.event_client import DaemonExecutor, EventClient
from otactl.aws.signed_websocket import SignedWebSocket, data_endpoint, sign_websocket
from otactl.aws.thing_messages import PRESENCE, requests_of, thing_messages
from otactl.errors import OtactlError
from otactl.monitor.ports import Connected, Lost, Message
from otactl.rules.backoff import UNTIL_A_MINUTE
from otactl.wire.error import WireError
from otactl.wire.job_event import decode_event
from otactl.wire.job_topic import job_event_filters

#: AWS refuses a SUBSCRIBE with more filters than this (AWS IoT Core quotas).
_FILTERS_PER_SUBSCRIBE = 8
_KEEPALIVE_SECONDS = 30
_TIMEOUT_SECONDS = 20.0
#: Longest wait for the connection to close.
_LEAVE_SECONDS = 2.0
#: Return codes of a subscription from here on are failures (MQTT 3.1.1, 3.9.3).
_FAILURE = 0x80


class JobEvents:
    """Posts lifecycle events and the state of the connection. Use as a context manager.

    Args:
        clients: The credentials, region and endpoint.
        thing_names: Things whose messages are posted too.
        post: Gets ``Connected``, ``Lost`` and every event, from another thread.
        now_ms: The time of a message that has none, epoch milliseconds.
    """

    def __init__(
        self,
        clients: AwsClients,
        job_ids: Sequence[str],
        *,
        post: Callable[[Message], None],
        thing_names: Sequence[str] = (),
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._clients = clients
        self._filters = _filters(
            job_ids, thing_names, is_local=clients.settings.endpoint_url is not None
        )
        self._post = post
        self._now_ms = now_ms
        self._endpoint: str | None = None
        self._is_connected = False
        self._is_stopping = False
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="job-events", daemon=True)

    def __enter__(self) -> Self:
        self._task = self._loop.create_task(self._listen_on())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        task = self._task
        # A cancellation can get lost: before Python 3.12 in ``asyncio.wait_for``, with which the
        # client waits for the broker's answers.
        self._is_stopping = True
        if task is not None:
            self._loop.call_soon_threadsafe(task.cancel)
        self._thread.join(_LEAVE_SECONDS)

    def _run(self) -> None:
        self._loop.set_default_executor(DaemonExecutor())
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_cancelled())

    async def _until_cancelled(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _listen_on(self) -> None:
        """Listen; reconnect after every loss, with backoff."""
        failures = 0
        while True:
            self._is_connected = False
            begun = self._loop.time()
            try:
                await self._listen()
                reason = "the broker closed the connection"
            except aiomqtt.MqttError as error:
                reason = _plain(str(error))
            except (OSError, OtactlError) as error:
                reason = f"{type(error).__name__}: {error}"
            if self._is_stopping:
                return
            lasted = self._loop.time() - begun
            failures = 1 if lasted > _KEEPALIVE_SECONDS else failures + 1
            if self._is_connected or failures == 1:
                self._post(Lost(reason))
            await asyncio.sleep(UNTIL_A_MINUTE.pause_seconds(failures))
            with suppress(OtactlError):
                self._clients = self._clients.renewed()

    async def _listen(self) -> None:
        address = await asyncio.to_thread(self._sign)
        async with EventClient(
            address.host,
            port=address.port,
            identifier=f"otactl-monitor-{secrets.token_hex(4)}",
            transport="websockets",
            websocket_path=address.path,
            websocket_headers=_without_origin(address.host_header),
            tls_context=ssl.create_default_context() if address.tls else None,
            keepalive=_KEEPALIVE_SECONDS,
            timeout=_TIMEOUT_SECONDS,
        ) as client:
            await self._subscribe(client)
            if self._is_stopping:
                return
            self._is_connected = True
            self._post(Connected())
            async for message in client.messages:
                payload = message.payload
                if isinstance(payload, bytes):
                    self._deliver(message.topic.value, payload)

    def _sign(self) -> SignedWebSocket:
        clients = self._clients
        if self._endpoint is None:
            self._endpoint = data_endpoint(clients)
        return sign_websocket(
            self._endpoint,
            clients.region or "us-east-1",
            clients.credentials(),
            endpoint_url=clients.settings.endpoint_url,
        )

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        for first in range(0, len(self._filters), _FILTERS_PER_SUBSCRIBE):
            batch = self._filters[first : first + _FILTERS_PER_SUBSCRIBE]
            answers = await client.subscribe([(topic_filter, 1) for topic_filter in batch])
            for topic_filter, answer in zip(batch, answers, strict=False):
                if _is_refusal(answer) and topic_filter.startswith("$aws/events/job"):
                    raise aiomqtt.MqttError(
                        f"the credentials may not subscribe to {topic_filter} (iot:Subscribe)"
                    )

    def _deliver(self, topic: str, payload: bytes) -> None:
        try:
            message = decode_event(topic, payload) or thing_messages(topic, payload, self._now_ms())
        except WireError:
            return
        if message is not None:
            self._post(message)


def _filters(
    job_ids: Iterable[str], thing_names: Iterable[str], *, is_local: bool
) -> tuple[str, ...]:
    filters = [each for job_id in job_ids for each in job_event_filters(job_id)]
    for name in thing_names:
        filters += [
            f"$aws/things/{name}/jobs/notify-next",
            *(f"{each}/{name}" for each in PRESENCE),
        ]
        if is_local:
            filters += requests_of(name)
    return tuple(filters)


def _plain(words: str) -> str:
    """A plain message for the libraries' most frequent errors."""
    if words.startswith("WebSocket handshake error"):
        return "the broker refused the connection: do the credentials allow iot:Connect?"
    if words == "Operation timed out":
        return f"the broker did not answer within {_TIMEOUT_SECONDS:g} s"
    return words


def _is_refusal(answer: object) -> bool:
    """Whether a broker refused a subscription: a number, or paho's wrapping of one."""
    number = getattr(answer, "value", answer)
    return isinstance(number, int) and number >= _FAILURE


def _without_origin(host: str) -> Callable[[dict[str, str]], dict[str, str]]:
    """The headers of the handshake: for this host, and without the ``Origin`` that paho sends.

    A local cloud refuses requests with an ``Origin``, as browsers send.
    """

    def change(headers: dict[str, str]) -> dict[str, str]:
        return {name: text for name, text in headers.items() if name != "Origin"} | {"Host": host}

    return change
