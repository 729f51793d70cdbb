"""Takes back that a deployment ended, because a job of it goes on and is worth watching."""

from __future__ import annotations

from otactl.deploy.journal import Journal
from otactl.deploy.step import AwaitJob


def reopen(journal: Journal) -> bool:
    """Do the last steps of a deployment again; False if it never came to them.

    A deployment ends before its job at ``--max-wait``, and after a stop with things in progress;
    ``--max-wait`` is over then and no longer counts.
    """
    plan, rounds = journal.plan, journal.rounds
    if not rounds:
        return False
    closing = [step.key for step in plan.closing]
    if plan.waves:
        journal.reopen(closing, None)
        return True
    waits = (step for step in plan.steps if isinstance(step, AwaitJob))
    awaiting = next(step for step in waits if step.round == rounds[-1].round)
    journal.reopen([awaiting.key, *closing], awaiting.round)
    return True
