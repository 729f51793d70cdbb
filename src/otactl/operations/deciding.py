"""What a person decides about a deployment in waves: approve, reject, pause, continue.

A process that deploys holds the journal's lock; a decision is written into a file beside the
journal and read at the next poll. Only STS is called, for the identity that decides.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from otactl.aws.clients import AwsClients, identity_of
from otactl.deploy.decision_file import DecisionFile
from otactl.deploy.journal import Journal, StepState
from otactl.deploy.recorded_result import outcome_words
from otactl.deploy.step import AwaitGate
from otactl.deploy.store import DeploymentStore
from otactl.errors import UserMistake
from otactl.jobqueue.order import is_request_id
from otactl.model.wave import Act, Decision, GateStatus, Question, Verdict
from otactl.operations.location_options import LocationOptions
from otactl.operations.state_directory import state_directory
from otactl.operations.stored_deployment import choose_deployment
from otactl.operations.watch.location import find_location


def decide(
    deployment: str | None,
    act: Act,
    options: LocationOptions,
    *,
    wave: str | None = None,
    comment: str = "",
) -> tuple[str, Decision]:
    """Record a decision, if it is possible now.

    Args:
        deployment: Its id or its job's; None for the newest unfinished one.
        act: What is decided.
        options: Where the deployment is.
        wave: Of an approval, the wave it is for; None for the one that waits for approval.
        comment: Why.

    Returns:
        The deployment's id, and the decision.

    Raises:
        UserMistake: It has no waves, its gates have decided, or none waits for approval.
    """
    store = DeploymentStore(state_directory(options.state_dir))
    # A rehearsal is decided on while it runs.
    deployment_id = choose_deployment(store, deployment, rehearsals_last=False)
    if is_request_id(deployment_id):
        raise UserMistake(
            f"there is no deployment {deployment_id} on this machine",
            hint=f"for a request of the queue use `otactl queue {act} {deployment_id}`",
        )
    path = store.path(deployment_id)
    if not path.is_file():
        raise UserMistake(
            f"there is no deployment {deployment_id}", hint="`otactl history` lists them"
        )
    location = find_location(options, journal_path=path)
    decision = decide_at(
        path,
        act,
        clients=location.clients,
        now_ms=location.clock.now_ms(),
        wave=wave,
        comment=comment,
    )
    return deployment_id, decision


def decide_at(
    path: Path, act: Act, *, clients: AwsClients, now_ms: int, wave: str | None, comment: str
) -> Decision:
    """Record a decision beside a journal; as ``decide``."""
    with closing(Journal.read(path)) as journal:
        if not journal.plan.waves:
            raise UserMistake(f"deployment {path.stem} has no waves")
        if journal.outcome is not None:
            raise UserMistake(f"deployment {path.stem} has ended: {outcome_words(journal)}")
        if (decided := decided_by_gates(journal)) is not None:
            raise UserMistake(
                f"the gates of deployment {path.stem} have decided: {decided.words}",
                hint=f"`otactl rollback {path.stem}` gives things their former image back",
            )
        names = [one.name for one in journal.plan.waves]
        if act is Act.APPROVE and wave is not None and wave not in names:
            raise UserMistake(f"there is no wave {wave}", hint=f"the waves: {', '.join(names)}")
        asking = asking_gate(journal.gates, wave, comment) if act is Act.APPROVE else None
    decision = new_decision(act, asking, clients=clients, now_ms=now_ms, comment=comment)
    DecisionFile(path).append(decision)
    return decision


def decided_by_gates(journal: Journal) -> GateStatus | None:
    """The gate after which no decision counts: one that failed, or the last one; None before it.

    The deployment may still wait for things in progress, or for the versions that they report.
    """
    steps = {step.wave: step for step in journal.plan.steps if isinstance(step, AwaitGate)}
    return next(
        (
            status
            for status in journal.gates
            if (status.verdict is Verdict.FAIL or status.wave == len(steps))
            and journal.state(steps[status.wave].key) is StepState.DONE
        ),
        None,
    )


def new_decision(
    act: Act, asking: GateStatus | None, *, clients: AwsClients, now_ms: int, comment: str
) -> Decision:
    """A decision by these credentials' identity; an approval answers the gate ``asking``.

    It is dated by AWS's clock, as what it is compared with: the clock of the person's machine may
    be wrong. ``now_ms`` counts only if AWS's answer has no date.
    """
    identity = identity_of(clients)
    return Decision(
        act=act,
        identity=identity,
        host=socket.gethostname(),
        at_ms=now_ms if clients.aws_time_ms is None else clients.aws_time_ms,
        wave=asking.name if asking else "",
        comment=comment,
        answers=asking.question if asking else None,
        failed=asking.failed_since if asking else {},
    )


def asking_gate(gates: Sequence[GateStatus], wave: str | None, comment: str) -> GateStatus:
    """The last gate, if it waits for approval of this wave, or of any if ``wave`` is None.

    Raises:
        UserMistake: It does not wait, it is another wave's, or the comment is missing.
    """
    if not gates:
        raise UserMistake("no wave has begun yet, so there is nothing to approve")
    status = gates[-1]
    if wave is not None and wave != status.name:
        raise UserMistake(
            f"wave {wave} does not wait for approval; the last one that began is {status.words}"
        )
    if status.question is None:
        raise UserMistake(
            f"nothing to approve: {status.words}",
            hint="a gate takes an approval only when it asks for one",
        )
    needs_why = (Question.INCONCLUSIVE, Question.COMPARISON)
    if status.question in needs_why and not comment.strip():
        raise UserMistake(
            f"{status.words}: to approve this, say why with --comment",
        )
    return status
