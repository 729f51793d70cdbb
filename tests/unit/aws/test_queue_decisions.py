"""A decision is written once, also if the answer to the write was lost."""

from __future__ import annotations

import json

from botocore.awsrequest import AWSResponse
from tests.unit.deploy.test_bulk_reading import Body

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.queue_decisions import QueueDecisions
from otactl.model.wave import Act, Decision

DECISION = Decision(act=Act.REJECT, identity="someone", host="a-host", at_ms=1)


class Table:
    """A table in memory; the answer to the first write is lost."""

    def __init__(self) -> None:
        self.items: dict[str, dict] = {}
        self.is_lost = True

    def answer(self, request, **_):
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        status, fields = getattr(self, operation)(json.loads(request.body))
        return AWSResponse(request.url, status, {}, Body(json.dumps(fields).encode()))

    def Query(self, _asked):  # noqa: N802  # AWS's names
        newest = sorted(self.items)[-1:]
        return 200, {"Items": [self.items[key] for key in newest]}

    def GetItem(self, asked):  # noqa: N802
        item = self.items.get(asked["Key"]["timestamp"]["S"])
        return 200, {} if item is None else {"Item": item}

    def PutItem(self, asked):  # noqa: N802
        key = asked["Item"]["timestamp"]["S"]
        if key in self.items:
            return 400, {"__type": "x#ConditionalCheckFailedException", "message": "failed"}
        self.items[key] = asked["Item"]
        was_lost, self.is_lost = self.is_lost, False
        return (
            (500, {"__type": "x#InternalServerError", "message": "lost"}) if was_lost else (200, {})
        )


def decisions_of(table: Table) -> QueueDecisions:
    clients = AwsClients(
        AwsSettings(region="us-east-1", access_key_id="AKIA", secret_access_key="secret")
    )
    clients.dynamodb.meta.events.register("before-send", table.answer)
    return QueueDecisions(clients, "queue", "20261128T120000Z-aaaaaa")


def test_a_write_whose_answer_was_lost_is_not_repeated() -> None:
    table = Table()

    decisions_of(table).append(DECISION)

    assert len(table.items) == 1


def test_an_equal_decision_after_it_is_another_one() -> None:
    table = Table()

    decisions_of(table).append(DECISION)
    decisions_of(table).append(DECISION)

    assert len(table.items) == 2
