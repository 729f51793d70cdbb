from __future__ import annotations

import pytest

from otactl.cloud.faults import FaultLayer

OURS = [
    (b"user-agent", b"Boto3/1.43 otactl/0.1.0"),
    (b"authorization", b"AWS4 Credential=x/20261123/us-east-1/iot/aws4_request"),
]


class Application:
    def __init__(self):
        self.served = 0

    async def __call__(self, scope, receive, send):
        self.served += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def statuses(layer, count, headers=OURS, kind="http"):
    seen = []

    async def send(message):
        if message["type"] == "http.response.start":
            seen.append(message["status"])

    for _ in range(count):
        await layer({"type": kind, "headers": headers, "path": "/"}, None, send)
    return seen


async def test_about_so_many_percent_fail_and_a_lost_answer_took_effect():
    application = Application()

    seen = await statuses(FaultLayer(application, percent=30, seed=1), 2000)

    failed = [status for status in seen if status != 200]
    assert 500 < len(failed) < 700
    assert set(failed) == {400, 500, 502, 503}
    assert application.served == 2000 - len(failed) + failed.count(502)


async def test_the_same_seed_fails_the_same_calls():
    first = await statuses(FaultLayer(Application(), percent=50, seed=7), 100)

    assert first == await statuses(FaultLayer(Application(), percent=50, seed=7), 100)
    assert first != await statuses(FaultLayer(Application(), percent=50, seed=8), 100)


async def test_s3_is_throttled_the_way_s3_throttles():
    headers = [OURS[0], (b"authorization", b"AWS4 Credential=x/20261123/us-east-1/s3/aws4_request")]

    seen = await statuses(FaultLayer(Application(), percent=100, seed=1), 200, headers)

    assert set(seen) == {500, 502, 503}


@pytest.mark.parametrize(("headers", "kind"), [([], "http"), (OURS, "lifespan")])
async def test_others_go_undisturbed(headers, kind):
    application = Application()

    await statuses(FaultLayer(application, percent=100, seed=1), 50, headers, kind)

    assert application.served == 50
