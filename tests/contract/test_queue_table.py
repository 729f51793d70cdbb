"""What the queue needs of its table, held to by DynamoDB and by the table in memory alike."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.support.memory_queue import (
    NOW_MS,
    ManualTime,
    MemoryTable,
    MemoryTargets,
    request_for,
)

from otactl.aws.queue_item import item_of
from otactl.aws.queue_setup import TableSettings, make_table
from otactl.aws.queue_table import DynamoRequestTable
from otactl.errors import UserMistake
from otactl.jobqueue.claimed_request import ClaimedRequest
from otactl.jobqueue.claiming import Claimer
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.jobqueue.ports import ClaimAnswer
from otactl.jobqueue.request import Failure, JobRequest, LeftOpen, MalformedRequest, Outcome
from otactl.jobqueue.state import FailureKind, RequestState
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
from otactl.model.wave import OpenJobs, OpenWave

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.jobqueue.ports import RequestTable

OUTCOME = Outcome(things=1, succeeded=1, rounds=1)


@pytest.fixture(params=["memory", "dynamodb"])
def table(request: pytest.FixtureRequest, unique: str) -> RequestTable:
    if request.param == "memory":
        return MemoryTable()
    clients: AwsClients = request.getfixturevalue("clients")
    make_table(clients, TableSettings(name=f"queue-{unique}"))
    return DynamoRequestTable(clients, f"queue-{unique}")


def claimed(
    table: RequestTable, request: JobRequest, owner: str = "me", lease_ms: int = 1000
) -> JobRequest:
    mine = taken(request, owner=owner, now_ms=NOW_MS, lease_ms=lease_ms)
    assert table.claim(request, mine, gate=table.active().gate) is ClaimAnswer.CLAIMED
    return mine


def test_added_requests_are_listed_in_the_queue_s_order(table: RequestTable) -> None:
    requests = [request_for(f"t{number}", number=number) for number in range(120)]

    table.add(requests[::-1])

    assert list(table.listed(RequestState.PENDING)) == requests
    assert list(table.listed(RequestState.DEPLOYED)) == []


def test_a_request_is_not_added_over_another_one(table: RequestTable) -> None:
    table.add([request_for("a")])

    with pytest.raises(UserMistake, match="already"):
        table.add([request_for("other", number=1), request_for("b")])

    assert list(table.listed(RequestState.PENDING)) == [request_for("a")]


def test_a_claim_moves_a_request_and_opens_the_gate_once(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    before = table.active()

    mine = claimed(table, request)

    after = table.active()
    assert after.requests == (mine,)
    assert after.gate != before.gate
    assert list(table.listed(RequestState.PENDING)) == []
    theirs = taken(request, owner="other", now_ms=NOW_MS, lease_ms=1000)
    assert table.claim(request, theirs, gate=after.gate) is ClaimAnswer.GONE
    assert table.active().requests == (mine,)


def test_a_claim_behind_another_one_is_outdated_and_changes_nothing(table: RequestTable) -> None:
    first, second = request_for("a", number=1), request_for("b", number=2)
    table.add([first, second])
    gate = table.active().gate
    mine = claimed(table, first)

    late = taken(second, owner="late", now_ms=NOW_MS, lease_ms=1000)

    assert table.claim(second, late, gate=gate) is ClaimAnswer.OUTDATED
    assert table.active().requests == (mine,)
    assert list(table.listed(RequestState.PENDING)) == [second]
    assert table.claim(second, late, gate=table.active().gate) is ClaimAnswer.CLAIMED


def test_the_owner_renews_and_leaves_checkpoints(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    mine = claimed(table, request)

    later = renewed(mine, until_ms=NOW_MS + 9000)
    assert table.amend(mine, later, guard_of(mine))
    kept = with_checkpoint(later, StoredFile(key="release/checkpointFile_x", sha256="d" * 64))
    assert table.amend(later, kept, guard_of(later))

    assert table.active().requests == (kept,)


def test_who_lost_a_request_can_change_nothing(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    mine = claimed(table, request)
    theirs = taken(mine, owner="other", now_ms=NOW_MS + 2000, lease_ms=1000)
    assert table.amend(mine, theirs, guard_of_take_over(mine))

    assert not table.amend(mine, renewed(mine, until_ms=NOW_MS + 9000), guard_of(mine))
    assert not table.move(mine, deployed(mine, OUTCOME, now_ms=NOW_MS), guard_of(mine))
    assert table.active().requests == (theirs,)
    assert list(table.listed(RequestState.DEPLOYED)) == []


def test_a_lease_that_was_renewed_meanwhile_is_not_taken_over(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    seen = claimed(table, request)
    renewed_meanwhile = renewed(seen, until_ms=NOW_MS + 9000)
    assert table.amend(seen, renewed_meanwhile, guard_of(seen))

    theirs = taken(seen, owner="other", now_ms=NOW_MS + 2000, lease_ms=1000)

    assert not table.amend(seen, theirs, guard_of_take_over(seen))
    assert table.active().requests == (renewed_meanwhile,)


def test_of_two_that_take_over_one_succeeds(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    seen = claimed(table, request)
    first = taken(seen, owner="first", now_ms=NOW_MS + 2000, lease_ms=1000)
    second = taken(seen, owner="second", now_ms=NOW_MS + 2000, lease_ms=1000)

    assert table.amend(seen, first, guard_of_take_over(seen))
    assert not table.amend(seen, second, guard_of_take_over(seen))


def test_writing_the_same_again_succeeds_again(table: RequestTable) -> None:
    """The answer to the first try may have been lost."""
    request = request_for("a")
    table.add([request])
    mine = claimed(table, request)
    theirs = taken(mine, owner="other", now_ms=NOW_MS + 2000, lease_ms=1000)
    assert table.amend(mine, theirs, guard_of_take_over(mine))
    if isinstance(table, DynamoRequestTable):
        assert table.amend(mine, theirs, guard_of_take_over(mine))
        over = deployed(theirs, OUTCOME, now_ms=NOW_MS)
        assert table.move(theirs, over, guard_of(theirs))
        assert table.move(theirs, over, guard_of(theirs))
        assert list(table.listed(RequestState.DEPLOYED)) == [over]


def test_a_request_ends_fails_and_is_retried(table: RequestTable) -> None:
    request = request_for("a", foreign={"note": {"S": "of a user"}})
    table.add([request])
    mine = claimed(table, request)
    over = failed(mine, Failure(kind=FailureKind.DEPLOYMENT, reason="no"), now_ms=NOW_MS)
    assert table.move(mine, over, guard_of(mine))
    assert table.active().requests == ()
    assert list(table.listed(RequestState.FAILED)) == [over]

    again = retried(over)
    assert table.move(over, again, guard_of(over))

    assert list(table.listed(RequestState.PENDING)) == [again]
    mine = claimed(table, again)
    assert (mine.run, mine.fence) == (2, 2)


def test_a_request_that_a_worker_took_is_not_cancelled(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    claimed(table, request)

    assert not table.move(request, canceled(request, now_ms=NOW_MS), guard_of(request))
    assert list(table.listed(RequestState.CANCELED)) == []


def test_a_request_handed_back_is_active_with_a_lease_that_is_over(table: RequestTable) -> None:
    request = request_for("a")
    table.add([request])
    mine = claimed(table, request)

    back = released(mine, at_ms=NOW_MS, error="no disk")

    assert table.amend(mine, back, guard_of(mine))
    assert table.active().requests == (back,)


def test_a_request_is_found_by_its_key_in_every_state(table: RequestTable) -> None:
    requests = [request_for(f"t{number}", number=number) for number in range(3)]
    table.add(requests)
    mine = claimed(table, requests[1])
    over = deployed(mine, OUTCOME, now_ms=NOW_MS)
    assert table.move(mine, over, guard_of(mine))

    found = table.find([*(each.order_key for each in requests), "20990101-000000"])

    assert list(found) == [requests[0], over, requests[2]]


def test_what_is_no_request_is_told_apart_and_put_away_whole(
    clients: AwsClients, unique: str
) -> None:
    name = f"queue-{unique}"
    make_table(clients, TableSettings(name=name))
    table = DynamoRequestTable(clients, name)
    item = {
        "jobStatus": {"S": "PendingDeployment"},
        "timestamp": {"S": "20200101-000000"},
        "bucketId": {"N": "1"},
        "note": {"S": "whose?"},
    }
    clients.dynamodb.put_item(TableName=name, Item=item)
    table.add([request_for("a")])
    first, second = table.listed(RequestState.PENDING)
    assert isinstance(first, MalformedRequest)
    assert second == request_for("a")

    failure = Failure(kind=FailureKind.REFUSED, reason=first.reason, exit_code=2)
    assert table.quarantine(first, failure, now_ms=NOW_MS)
    assert not table.quarantine(first, failure, now_ms=NOW_MS)

    key = {"jobStatus": {"S": "Failed"}, "timestamp": item["timestamp"]}
    kept = clients.dynamodb.get_item(TableName=name, Key=key)["Item"]
    assert kept["note"] == item["note"]
    assert kept["bucketId"] == item["bucketId"]
    assert "bucketId" in kept["failureReason"]["S"]
    assert list(table.listed(RequestState.PENDING)) == [second]


def test_of_many_that_claim_at_once_exactly_one_gets_each_request(
    clients: AwsClients, unique: str
) -> None:
    name = f"queue-{unique}"
    make_table(clients, TableSettings(name=name))
    table = DynamoRequestTable(clients, name)
    requests = [request_for(f"t{number}", number=number) for number in range(12)]
    table.add(requests)
    got: list[str] = []

    def work(owner: str) -> None:
        own = DynamoRequestTable(clients, name)
        for request in requests:
            answer = None
            while answer in (None, ClaimAnswer.OUTDATED):
                mine = taken(request, owner=owner, now_ms=NOW_MS, lease_ms=1000)
                answer = own.claim(request, mine, gate=own.active().gate)
            if answer is ClaimAnswer.CLAIMED:
                got.append(request.job_id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(got) == Counter(request.job_id for request in requests)
    assert table.active().gate == {"N": str(len(requests))}


OLD_SCRIPTS_ITEM = {
    "timestamp": {"S": "20200101-000000"},
    "jobId": {"S": "jobId_20200101-000000"},
    "bucketId": {"S": "bucket"},
    "binFileKey": {"S": "release/fw.bin"},
    "thingListFileKey": {"S": "release/things.txt"},
    "devFileKey": {"S": "release/dev_1.ini"},
}
#: What stands in the table beside the manual's seven attributes, or instead of them.
STRANGE = (
    {},
    {"owner": {"S": "somebody"}},
    {"fence": {"N": "3"}},
    {"fence": {"S": "three"}},
    {"owner": {"NULL": True}},
    {"owner": {"S": ""}},
    {"leaseUntil": {"N": "1E+30"}},
    {"attempt": {"N": "-1"}},
    {"after": {"L": [{"N": "1"}]}},
    {"after": {"S": "x"}},
    {"run": {"BOOL": True}},
    {"targetCount": {"N": "1"}, "targetDigests": {"B": b"odd"}},
    {"bucketId": {"M": {"S": {"S": "bucket"}}}},
    {"jobId": {"SS": ["a", "b"]}},
    {"failureKind": {"S": "no such kind"}},
    {"foreign": {"S": "x" * 390_000}},
)


@pytest.mark.parametrize("state", [RequestState.DEPLOYING, RequestState.PENDING])
@pytest.mark.parametrize("strange", STRANGE, ids=lambda item: ",".join(item) or "seven attributes")
def test_no_item_keeps_a_worker_from_what_stands_behind_it(
    clients: AwsClients, queue_name: str, state: RequestState, strange: dict[str, object]
) -> None:
    """Whatever somebody wrote into the table, the good request behind it is deployed."""
    table = DynamoRequestTable(clients, queue_name)
    item = OLD_SCRIPTS_ITEM | {"jobStatus": {"S": state.value}} | strange
    clients.dynamodb.put_item(TableName=queue_name, Item=item)
    good = request_for("good")
    table.add([good])
    worker = Claimer(
        table, MemoryTargets(), ManualTime(), owner="me", policy=LeasePolicy(), draw=lambda: 0.0
    )

    taken_ids = []
    for _ in range(2):
        request = worker.claim()
        if request is None:
            break
        taken_ids.append(request.job_id)

    assert good.job_id in taken_ids
    # Nothing is lost: what is no request is set aside, or stays where it is.
    assert any(
        found.order_key == "20200101-000000"
        for each in RequestState
        for found in table.listed(each)
    )


@pytest.mark.parametrize(
    "number",
    [{"S": "x"}, {"N": "-3"}, {"N": "0"}, {"N": "1.5"}, {"N": "9" * 38}, {"M": {}}, {"NULL": True}],
    ids=str,
)
def test_a_damaged_gate_still_lets_one_of_two_through(
    clients: AwsClients, queue_name: str, number: dict[str, object]
) -> None:
    gate = {"jobStatus": {"S": "otactl-gate"}, "timestamp": {"S": "-"}, "number": number}
    clients.dynamodb.put_item(TableName=queue_name, Item=gate)
    table = DynamoRequestTable(clients, queue_name)
    first, second = request_for("a", number=1), request_for("b", number=2)
    table.add([first, second])
    seen = table.active().gate

    claimed(table, first)
    late = taken(second, owner="late", now_ms=NOW_MS, lease_ms=1000)

    assert table.claim(second, late, gate=seen) is ClaimAnswer.OUTDATED
    assert table.claim(second, late, gate=table.active().gate) is ClaimAnswer.CLAIMED


#: Holds on a request that no worker writes, and that no write of one could ever end.
HOLDS = (
    {},
    {"owner": {"S": "x\x1b[0m"}, "leaseUntil": {"N": "1"}, "fence": {"N": "1"}},
    {"owner": {"S": "x"}, "fence": {"N": "1"}},
    {"owner": {"S": "x"}, "leaseUntil": {"N": "1"}, "fence": {"N": "0"}},
    {"owner": {"S": "x"}, "leaseUntil": {"N": "1"}},
    {"owner": {"S": "x"}, "leaseUntil": {"N": "9" * 14}, "fence": {"N": "1"}},
    {
        "owner": {"S": "x"},
        "leaseUntil": {"N": "1"},
        "fence": {"N": "1"},
        "attempt": {"N": "9" * 14},
    },
)


@pytest.mark.parametrize("state", [RequestState.DEPLOYING, RequestState.PENDING])
@pytest.mark.parametrize("hold", HOLDS, ids=lambda hold: ",".join(hold) or "none")
def test_no_hold_that_somebody_made_up_blocks_a_thing_for_ever(
    clients: AwsClients, queue_name: str, state: RequestState, hold: dict[str, object]
) -> None:
    """A good request for the same thing goes once the other was taken, or set aside."""
    table = DynamoRequestTable(clients, queue_name)
    forged = item_of(request_for("a", number=1)) | {"jobStatus": {"S": state.value}} | hold
    clients.dynamodb.put_item(TableName=queue_name, Item=forged)
    good = request_for("a", number=2)
    table.add([good])
    time = ManualTime()
    names: list[str] = []

    request = Claimer(
        table, MemoryTargets(), time, owner="me", policy=LeasePolicy(), draw=lambda: 0.0,
        warn=names.append,
    ).claim()  # fmt: skip

    assert request is not None
    if request.job_id == good.job_id:
        (aside,) = table.listed(RequestState.FAILED)
        assert aside.order_key == forged["timestamp"]["S"]
        assert names or isinstance(aside, JobRequest)
    else:
        # It was taken, so its end can be written, and the good one goes.
        failure = Failure(kind=FailureKind.REFUSED, reason="no")
        ClaimedRequest(table, request, time, LeasePolicy()).fail(failure)
        assert list(table.listed(RequestState.DEPLOYING)) == []


@pytest.fixture
def queue_name(clients: AwsClients, unique: str) -> str:
    make_table(clients, TableSettings(name=f"strange-{unique}"))
    return f"strange-{unique}"


def left_open(order_key: str, due_ms: int) -> LeftOpen:
    jobs = OpenJobs(
        deployment_id="20261123T120000Z-abcdef",
        region="eu-west-1",
        waves=(OpenWave(job_id="jobId_a-rest", group_name="otactl-a-rest"),),
    )
    return LeftOpen(order_key=order_key, due_ms=due_ms, jobs=jobs)


def test_what_is_left_open_comes_up_when_it_is_due_and_for_one_worker_only(
    table: RequestTable,
) -> None:
    requests = [request_for(f"t{number}", number=number) for number in range(3)]
    table.add(requests)
    kept = []
    for number, request in enumerate(requests):
        mine = claimed(table, request)
        kept.append(left_open(mine.order_key, NOW_MS + 1000 * (2 - number)))
        after = replace(deployed(mine, OUTCOME, now_ms=NOW_MS), open_until_ms=kept[-1].due_ms)
        assert table.move(mine, after, guard_of(mine), kept[-1])

    assert list(table.due(NOW_MS - 1)) == []
    assert list(table.due(NOW_MS + 1000)) == [kept[2], kept[1]]
    first = kept[2]
    assert table.reschedule(first, NOW_MS + 5000)
    assert not table.reschedule(first, NOW_MS + 6000)
    assert not table.reschedule(first, None)
    assert list(table.due(NOW_MS + 9000)) == [
        kept[1],
        kept[0],
        left_open(first.order_key, NOW_MS + 5000),
    ]
    for each in table.due(NOW_MS + 9000):
        assert table.reschedule(each, None)
    assert list(table.due(NOW_MS + 9000)) == []
    assert {each.open_until_ms for each in table.listed(RequestState.DEPLOYED)} == {
        each.due_ms for each in kept
    }


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("000000000000001/a", '{"deployment_id": "x", "region": "here", "waves": []}'),
        ("000000000000001/a", "no JSON"),
        ("1/a", '{"deployment_id": "x", "region": "eu-west-1", "waves": []}'),
    ],
)
def test_what_is_no_entry_of_open_jobs_is_left_as_it_is(
    clients: AwsClients, queue_name: str, key: str, content: str
) -> None:
    item = {"jobStatus": {"S": "otactl-open"}, "timestamp": {"S": key}, "open": {"S": content}}
    clients.dynamodb.put_item(TableName=queue_name, Item=item)

    assert list(DynamoRequestTable(clients, queue_name).due(NOW_MS)) == []
    assert clients.dynamodb.scan(TableName=queue_name)["Items"] == [item]
