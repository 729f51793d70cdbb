"""A decision about a rollback counts whatever time the host says on which it was made."""

from __future__ import annotations

from contextlib import closing

import pytest
from tests.support.plan import a_plan_with

from otactl.deploy.journal import Journal
from otactl.model.wave import Act, Decision
from otactl.operations.queue.queued_rollback import decided_since

NOW_MS = 1_800_000_000_000


class Kept:
    """Decisions in memory, in the order in which they were written."""

    def __init__(self) -> None:
        self.made: list[Decision] = []

    def read(self) -> tuple[Decision, ...]:
        return tuple(self.made)

    def append(self, decision: Decision) -> None:
        self.made.append(decision)


def decision(act: Act, at_ms: int) -> Decision:
    return Decision(act=act, identity="someone", host="a-host", at_ms=at_ms)


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "20261128T120000Z-aaaaaa.sqlite"
    plan = a_plan_with(deployment_id=path.stem)
    with closing(Journal.create(path, plan, now_ms=NOW_MS, about={})) as made:
        yield made


def test_the_order_decides_and_no_hosts_clock(journal):
    decisions = Kept()
    decisions.append(decision(Act.PAUSE, NOW_MS + 3_600_000))
    decided_since(decisions, journal)

    rejection = decision(Act.REJECT, NOW_MS - 3_600_000)
    decisions.append(rejection)

    # Another worker, in a later visit.
    assert decided_since(decisions, journal).read() == (rejection,)
