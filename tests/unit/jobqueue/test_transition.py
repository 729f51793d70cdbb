from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.memory_queue import NOW_MS, request_for

from otactl.jobqueue.request import Failure, Outcome
from otactl.jobqueue.state import NEXT_STATES, FailureKind, RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.transition import (
    canceled,
    deployed,
    failed,
    guard_of,
    guard_of_take_over,
    released,
    renewed,
    retried,
    taken,
    with_checkpoint,
)

FAILURE = Failure(kind=FailureKind.DEPLOYMENT, reason="2 of 3 things failed", exit_code=4)
OUTCOME = Outcome(things=3, succeeded=1, rounds=1)


def held():
    return taken(request_for("a"), owner="me", now_ms=NOW_MS, lease_ms=1000)


def test_each_taking_counts_an_attempt_and_raises_the_fence() -> None:
    first = held()
    second = taken(first, owner="you", now_ms=NOW_MS + 5000, lease_ms=1000)

    assert (first.state, first.attempt, first.fence) == (RequestState.DEPLOYING, 1, 1)
    assert (second.attempt, second.fence) == (2, 2)
    assert second.lease is not None
    assert (second.lease.owner, second.lease.until_ms) == ("you", NOW_MS + 6000)


def test_a_failed_request_that_is_retried_begins_anew_with_a_job_of_its_own() -> None:
    checkpointed = with_checkpoint(held(), StoredFile(key="release/checkpointFile_x"))
    again = retried(failed(checkpointed, FAILURE, now_ms=NOW_MS, outcome=OUTCOME))

    assert again.state is RequestState.PENDING
    assert (again.run, again.attempt, again.checkpoint, again.failure) == (2, 0, None, None)
    # A worker of the first run that wakes up now must still be refused.
    assert again.fence == 1
    assert again.aws_job_id == f"{again.job_id}-r2"
    assert again.deployment_id != checkpointed.deployment_id


def test_what_is_over_has_no_owner() -> None:
    for over in (deployed(held(), OUTCOME, now_ms=NOW_MS), failed(held(), FAILURE, now_ms=NOW_MS)):
        assert over.lease is None
        assert over.ended_ms == NOW_MS
        assert over.state.is_over


def test_handed_back_it_is_free_from_then_on_and_says_why() -> None:
    back = released(held(), at_ms=NOW_MS + 30_000, error="x" * 10_000)

    assert back.state is RequestState.DEPLOYING
    assert back.lease is not None
    assert back.lease.until_ms == NOW_MS + 30_000
    assert back.last_error.endswith(" …")
    assert len(back.last_error) == 4000


@pytest.mark.parametrize("state", RequestState)
def test_nothing_happens_to_a_request_but_what_the_table_of_states_has(state: RequestState) -> None:
    request = request_for("a", state=state)
    happenings = {
        RequestState.DEPLOYING: lambda: taken(request, owner="me", now_ms=0, lease_ms=1),
        RequestState.DEPLOYED: lambda: deployed(request, OUTCOME, now_ms=0),
        RequestState.FAILED: lambda: failed(request, FAILURE, now_ms=0),
        RequestState.CANCELED: lambda: canceled(request, now_ms=0),
        RequestState.PENDING: lambda: retried(request),
    }

    for after, happen in happenings.items():
        if after in NEXT_STATES[state]:
            assert happen().state is after
        else:
            with pytest.raises(ValueError, match="cannot become"):
                happen()


def test_only_who_holds_a_request_can_renew_it() -> None:
    with pytest.raises(ValueError, match="no worker has"):
        renewed(request_for("a"), until_ms=1)


def test_an_owner_writes_whatever_its_lease_a_stranger_only_if_it_was_not_renewed() -> None:
    assert guard_of(held()).until_ms is None
    assert guard_of_take_over(held()).until_ms == NOW_MS + 1000
    assert guard_of(request_for("a")).owner is None


def test_a_worker_that_was_asked_to_stop_made_no_attempt() -> None:
    mine = held()

    back = released(mine, at_ms=NOW_MS, error="interrupted", is_attempt=False)

    assert back.attempt == mine.attempt - 1
    assert back.fence == mine.fence


def test_a_checkpoint_that_a_pending_request_names_counts_for_nothing() -> None:
    forged = StoredFile(key="release/checkpointFile_x", sha256="ab" * 32, size_bytes=1)
    pending = replace(request_for("a"), checkpoint=forged)

    mine = taken(pending, owner="me", now_ms=NOW_MS, lease_ms=1000)

    assert mine.checkpoint is None
    left = replace(mine, checkpoint=forged)
    assert taken(left, owner="you", now_ms=NOW_MS, lease_ms=1000).checkpoint == forged
