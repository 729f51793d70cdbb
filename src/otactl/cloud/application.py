"""What the gateway serves: MiniStack, with our adaptations and services.

The composition root of the server process: everything is built here.
"""

from __future__ import annotations

import functools
import json
import ssl
import time
from collections.abc import Callable
from typing import Any

import ministack.app

from otactl.cloud.asgi import Application, Message, Receive, Send
from otactl.cloud.background import Background
from otactl.cloud.faults import FaultLayer
from otactl.cloud.guard import Guard
from otactl.cloud.ministack import (
    adaptation,
    alarm,
    broker,
    broker_tls,
    credentials,
    signature,
    stream_request,
)
from otactl.cloud.ministack.shape import adapt, adapt_if_it_fits
from otactl.cloud.process import LATENESS_PATH
from otactl.cloud.settings import ServerSettings
from otactl.cloud.streams.api import StreamApi
from otactl.cloud.streams.device import DeviceService
from otactl.cloud.streams.file_reader import BlockCache, FileReader
from otactl.cloud.streams.local_aws import IamRoles, LocalAws, S3Objects
from otactl.cloud.streams.mailbox import Mailboxes
from otactl.cloud.streams.store import StreamStore
from otactl.cloud.streams.topics import StreamTopics

_RESET = "/_ministack/reset"
_CACHE_BYTES = 64 * 1024 * 1024


def build_application(settings: ServerSettings) -> tuple[Any, ssl.SSLContext]:
    """The ASGI application of a local cloud, and the TLS context to serve it by HTTPS with."""
    chosen = settings.chosen
    background = Background(chosen.speed)
    store = StreamStore()
    aws = LocalAws(f"http://127.0.0.1:{settings.port}", settings.cloud_secret)
    reader = FileReader(S3Objects(aws), IamRoles(aws), BlockCache(_CACHE_BYTES))
    service = DeviceService(store, reader)
    topics = StreamTopics(broker, service, Mailboxes(background), background)
    adapt(signature.install)
    adapt_if_it_fits(
        "streams, unless this MiniStack has its own",
        functools.partial(
            stream_request.install,
            api=StreamApi(store, reader, _cloud_time_ms),
            store=store,
            on_scope=topics.listen_in,
        ),
    )
    adaptation.install_all(background, chosen, https_port=settings.https_port)
    background.repeat("the evaluation of alarms", alarm.evaluate_everywhere)
    background.run("measuring the event loop's lateness", background.lateness.watch())
    tls = broker_tls.gateway_context()

    make_administrator = functools.partial(
        credentials.put_administrator,
        *(chosen.account_id, chosen.region),
        access_key_id=settings.access_key_id,
        secret_access_key=settings.secret_access_key,
    )
    make_administrator()

    def forget() -> None:
        make_administrator()
        broker_tls.load_certificates(tls)
        store.clear()
        reader.clear()
        topics.forget()

    def lateness() -> bytes:
        return json.dumps(background.lateness.take_longest()).encode()

    gateway: Application = _calling(forget, after_reset_of=ministack.app.app)
    if chosen.fault_percent:
        gateway = FaultLayer(gateway, percent=chosen.fault_percent, seed=chosen.fault_seed)
    guard = Guard(
        _answering(LATENESS_PATH, lateness, before=gateway),
        check_signature=signature.SignatureCheck(chosen.account_id, chosen.region).refusal,
        secret=settings.cloud_secret,
        host_names=chosen.host_names,
    )
    return guard, tls


def _calling(forget: Callable[[], None], *, after_reset_of: Application) -> Application:
    """The application; after a reset it calls ``forget`` before the client gets the answer."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        async def send_after(message: Message) -> None:
            if message["type"] == "http.response.start":
                forget()
            await send(message)

        is_reset = scope["type"] == "http" and scope["path"] == _RESET
        await after_reset_of(scope, receive, send_after if is_reset else send)

    return application


def _answering(path: str, answer: Callable[[], bytes], *, before: Application) -> Application:
    """The application, with one more address."""

    async def application(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == path:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": answer()})
        else:
            await before(scope, receive, send)

    return application


def _cloud_time_ms() -> int:
    # Not time_ns: the clock of this process may be a faster one, see `loop`.
    return int(time.time() * 1000)
