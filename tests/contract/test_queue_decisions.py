"""Decisions in the queue's table: in the order of writing; what is broken is nobody's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from otactl.aws.queue_decisions import DECISION_STATE, QueueDecisions
from otactl.aws.queue_setup import TableSettings, make_table
from otactl.errors import UserMistake
from otactl.model.wave import Act, Decision

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients


@pytest.fixture
def table(clients: AwsClients, unique: str) -> str:
    make_table(clients, TableSettings(name=f"decisions-{unique}"))
    return f"decisions-{unique}"


def decision(act: Act, at_ms: int = 0, comment: str = "") -> Decision:
    return Decision(act=act, identity="ann", host="h", at_ms=at_ms, comment=comment)


def put(clients: AwsClients, table: str, key: str, content: str) -> None:
    item = {"jobStatus": DECISION_STATE, "timestamp": key, "decision": content}
    clients.dynamodb.put_item(
        TableName=table, Item={name: {"S": value} for name, value in item.items()}
    )


def test_the_order_is_that_of_writing_whatever_the_hosts_clocks_say(
    clients: AwsClients, table: str
) -> None:
    decisions = QueueDecisions(clients, table, "one")
    assert decisions.read() == ()
    # The first host's clock is an hour ahead.
    pause, go = decision(Act.PAUSE, 3_600_000, "lunch"), decision(Act.CONTINUE)
    decisions.append(pause)
    decisions.append(go)

    assert decisions.read() == (pause, go)
    assert QueueDecisions(clients, table, "two").read() == ()


def test_nothing_that_is_decided_at_the_same_time_is_lost(clients: AwsClients, table: str) -> None:
    decisions = QueueDecisions(clients, table, "one")
    each = [decision(Act.PAUSE, number) for number in range(6)]
    with ThreadPoolExecutor(len(each)) as pool:
        list(pool.map(decisions.append, each))

    assert sorted(one.at_ms for one in decisions.read()) == list(range(6))


def test_what_is_no_decision_is_nobody_s(clients: AwsClients, table: str) -> None:
    decisions = QueueDecisions(clients, table, "one")
    put(clients, table, "one/00000001", '{"act": "approve"}')
    put(clients, table, "one/00000002", "x")
    reject = decision(Act.REJECT)
    decisions.append(reject)
    assert decisions.read() == (reject,)

    put(clients, table, "one/zzz", "x")
    with pytest.raises(UserMistake, match="did not write"):
        decisions.append(reject)
