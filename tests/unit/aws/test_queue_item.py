from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.memory_queue import NOW_MS, request_for

from otactl.aws.queue_item import item_of, quarantined_item
from otactl.aws.queue_item_reading import request_of
from otactl.jobqueue.request import (
    Failure,
    JobRequest,
    Lease,
    MalformedRequest,
    Outcome,
    Series,
    Targets,
)
from otactl.jobqueue.state import FailureKind, RequestState
from otactl.jobqueue.stored_file import StoredFile

DIGEST = "0f" * 32
OLD_SCRIPTS_ITEM: dict[str, Any] = {
    "jobId": {"S": "jobId_20200101-120000"},
    "bucketId": {"S": "iot-ota-bucket"},
    "binFileKey": {"S": "release/binFile_jobId_20200101-120000_test.bin"},
    "thingListFileKey": {"S": "release/thingListFile_jobId_20200101-120000_list.txt"},
    "devFileKey": {"S": "release/devFile_jobId_20200101-120000_dev_20200101.ini"},
    "jobStatus": {"S": "PendingDeployment"},
    "timestamp": {"S": "20200101-120000"},
}


def files(name: str) -> st.SearchStrategy[StoredFile | None]:
    return st.none() | st.builds(
        StoredFile,
        key=st.just(f"release/{name}"),
        sha256=st.none() | st.just(DIGEST),
        size_bytes=st.none() | st.integers(0, 10**10),
    )


def as_workers_write_it(request: JobRequest) -> JobRequest:
    """A request that is being deployed is a worker's, and one that waits is nobody's."""
    if request.state is RequestState.DEPLOYING:
        lease = request.lease or Lease(owner="host/1/abc", until_ms=0)
        return replace(request, lease=lease, fence=request.fence or 1)
    return replace(request, lease=None) if request.state is RequestState.PENDING else request


COUNTS = st.integers(0, 10**6)
REQUESTS = st.builds(
    lambda number, **changes: replace(request_for("a", number=number), **changes),
    number=st.integers(0, 1000),
    state=st.sampled_from(RequestState),
    document=files("docFile_x"),
    checkpoint=files("checkpointFile_x"),
    waves=files("wavesFile_x"),
    excepted=files("exceptFile_x"),
    former=st.sampled_from([(), ("1_a.bin",), ("1_a.bin", "2_b.bin")]).map(
        lambda names: tuple(
            StoredFile(key=f"release/formerFile_x_{name}", sha256=DIGEST, size_bytes=7)
            for name in names
        )
    ),
    gate=st.sampled_from(["", "wave canary: wait: 1 of 2"]),
    targets=st.none()
    | st.builds(
        Targets,
        count=COUNTS,
        inline=st.none() | st.integers(0, 8).map(lambda count: bytes(8 * count)),
        file=files("targetsFile_x"),
        has_groups=st.booleans(),
    ),
    not_before_ms=st.none() | st.integers(0, 10**13),
    after=st.lists(st.just("20200101-120000"), max_size=3).map(tuple),
    series=st.none() | st.builds(Series, name=st.just("s"), part=st.just(2), parts=st.just(3)),
    run=st.integers(1, 9),
    attempt=COUNTS,
    fence=COUNTS,
    lease=st.none()
    | st.builds(Lease, owner=st.just("host/1/abc"), until_ms=st.integers(0, 10**13)),
    last_error=st.sampled_from(["", "no disk"]),
    outcome=st.none()
    | st.builds(Outcome, things=COUNTS, succeeded=COUNTS, rounds=COUNTS)
    | st.builds(
        Outcome,
        things=COUNTS,
        succeeded=COUNTS,
        rounds=COUNTS,
        to_roll_back=COUNTS,
        rolled_back=COUNTS,
    ),
    failure=st.none()
    | st.builds(
        Failure,
        kind=st.sampled_from(FailureKind),
        reason=st.sampled_from(["", "one\ntwo"]),
        exit_code=st.integers(1, 8),
    ),
    ended_ms=st.none() | st.integers(0, 10**13),
    keep_days=st.none() | st.integers(1, 1000),
    required_succeeded=st.none() | st.integers(1, 10_000),
    maximum_minutes=st.none() | st.integers(1, 43_200),
    foreign=st.sampled_from([{}, {"note": {"S": "of a user"}, "deep": {"M": {"a": {"N": "1"}}}}]),
).map(as_workers_write_it)


@given(request=REQUESTS)
def test_a_request_comes_back_as_it_was_stored(request: JobRequest) -> None:
    assert request_of(item_of(request)) == request


def test_a_request_of_the_old_script_is_one_and_stays_readable_for_it() -> None:
    request = request_of(OLD_SCRIPTS_ITEM)

    assert isinstance(request, JobRequest)
    assert request.job_id == "jobId_20200101-120000"
    assert request.targets is None
    assert request.image.sha256 is None
    assert request.fence == 0
    assert item_of(request) == OLD_SCRIPTS_ITEM


def test_what_is_over_expires_when_it_has_a_term() -> None:
    over = request_for("a", state=RequestState.DEPLOYED, ended_ms=NOW_MS, keep_days=2)

    assert item_of(over)["expiresAt"] == {"N": str(NOW_MS // 1000 + 2 * 86_400)}
    assert "expiresAt" not in item_of(replace(over, keep_days=None))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"binFileKey": None}, "binFileKey is missing"),
        ({"binFileKey": {"N": "1"}}, "type N"),
        ({"binFileKey": {"S": "release/../../x"}}, "binFile"),
        ({"devFileKey": {"S": "/etc/passwd"}}, "devFile"),
        ({"devFileKey": {"S": "release/dev.ini"}}, "dev.ini"),
        ({"thingListFileKey": OLD_SCRIPTS_ITEM["binFileKey"]}, "same name"),
        ({"thingListFileKey": {"S": "release/dev.ini"}}, "dev.ini"),
        ({"bucketId": None}, "bucketId is missing"),
        ({"bucketId": {"S": "../x"}}, "no bucket name"),
        ({"bucketId": {"S": ""}}, "bucketId is missing"),
        ({"jobId": {"S": "a b; rm -rf /"}}, "no job id"),
        ({"binFileSha256": {"S": "xyz"}}, "no SHA-256"),
        ({"binFileSize": {"N": "-1"}}, "no whole number"),
        ({"fence": {"N": "1.5"}}, "no whole number"),
        ({"after": {"L": [{"N": "1"}]}}, "no list of texts"),
        ({"after": {"L": [{"S": "\x1b[31mred"}]}}, "no list of texts"),
        ({"notBefore": {"N": "9" * 38}}, "too large"),
        ({"leaseUntil": {"N": "9" * 20}, "owner": {"S": "x"}}, "too large"),
        ({"failureKind": {"S": "bad luck"}}, "bad luck"),
        ({"jobStatus": {"S": "Deploying"}}, "no worker has claimed it"),
        ({"jobStatus": {"S": "Deploying"}, "owner": {"S": "x"}, "fence": {"N": "1"}}, "leaseUntil"),
        ({"owner": {"S": "x"}, "leaseUntil": {"N": "1"}}, "'x' has it"),
        ({"owner": {"S": "x\x1b"}, "leaseUntil": {"N": "1"}}, "owner is not as a worker writes"),
        ({"owner": {"S": ""}}, "owner is not as a worker writes"),
        ({"leaseUntil": {"N": "1"}}, "leaseUntil is not as a worker writes"),
        ({"fence": {"N": "0"}}, "fence is not as a worker writes"),
        ({"run": {"N": "0"}}, "run is not as a worker writes"),
        ({"after": {"L": [{"S": ""}]}}, "an invalid key"),
        ({"after": {"L": [{"S": "x" * 1025}]}}, "an invalid key"),
        ({"after": {"L": [{"S": "x"}] * 1001}}, "1,001 entries"),
        ({"note": {"S": "x" * 360_000}}, "more than 360,000 bytes"),
        ({"targetDigests": {"S": "x"}, "targetCount": {"N": "1"}}, "type S"),
    ],
)
def test_an_item_that_is_no_request_says_why_and_is_kept_whole(
    change: dict[str, Any], reason: str
) -> None:
    item = {name: value for name, value in (OLD_SCRIPTS_ITEM | change).items() if value is not None}

    found = request_of(item)

    assert isinstance(found, MalformedRequest)
    assert reason in found.reason
    failure = Failure(kind=FailureKind.REFUSED, reason=found.reason, exit_code=2)
    put_away = quarantined_item(found, failure, now_ms=NOW_MS)
    assert put_away["jobStatus"] == {"S": "Failed"}
    assert put_away["failureReason"] == {"S": found.reason}
    assert {name: put_away[name] for name in item if name != "jobStatus"} == {
        name: value for name, value in item.items() if name != "jobStatus"
    } | {name: put_away[name] for name in ("failureKind",) if name in item}


def test_escape_sequences_in_an_item_never_reach_a_terminal() -> None:
    found = request_of(OLD_SCRIPTS_ITEM | {"jobId": {"S": "\x1b[31mred"}})

    assert isinstance(found, MalformedRequest)
    assert found.reason.isprintable()

    reason = "first line\nsecond: \x1b[31mred \x9b31m"
    failure = {"failureKind": {"S": "aws"}, "failureReason": {"S": reason}}
    failed = request_of(OLD_SCRIPTS_ITEM | failure)
    assert isinstance(failed, JobRequest)
    assert failed.failure is not None
    assert failed.failure.reason == "first line\nsecond: \\x1b[31mred \\x9b31m"


JUNK = st.recursive(
    st.one_of(
        st.fixed_dictionaries({"S": st.text(max_size=20)}),
        st.fixed_dictionaries({"N": st.integers().map(str)}),
        st.fixed_dictionaries({"B": st.binary(max_size=20)}),
        st.fixed_dictionaries({"BOOL": st.booleans()}),
        st.fixed_dictionaries({"NULL": st.just(value=True)}),
    ),
    lambda inner: (
        st.fixed_dictionaries({"L": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries({"M": st.dictionaries(st.text(max_size=5), inner, max_size=3)})
    ),
    max_leaves=5,
)


@given(
    changes=st.dictionaries(
        st.sampled_from(
            [
                *(name for name in OLD_SCRIPTS_ITEM if name not in ("jobStatus", "timestamp")),
                "binFileSha256", "binFileSize", "docFileKey", "after", "fence", "owner",
                "leaseUntil", "run", "attempt", "failureKind", "failureReason", "targetCount",
                "targetDigests", "targetGroups", "seriesName", "things", "keepDays", "endedAt",
            ]
        ),
        JUNK,
        max_size=6,
    )
)  # fmt: skip
def test_whatever_stands_in_an_item_reading_it_never_fails(changes: dict[str, Any]) -> None:
    found = request_of(OLD_SCRIPTS_ITEM | changes)

    if isinstance(found, JobRequest):
        assert isinstance(request_of(item_of(found)), JobRequest)


@pytest.mark.parametrize(
    "files",
    [
        {"S": "release/formerFile_x_a.bin"},
        {"L": [{"S": "release/formerFile_x_a.bin"}]},
        {"L": [{"M": {"formerFileKey": {"S": "release/../../etc/passwd"}}}]},
        {"L": [{"M": {}}]},
        {"L": [{"M": {"formerFileKey": {"S": f"release/f{n}"}}} for n in range(100)]},
        {"L": [{"M": {"formerFileKey": {"S": "release/formerFile_x_a.bin"}}}] * 2},
    ],
)
def test_files_of_former_versions_that_are_none_make_no_request(files: dict[str, Any]) -> None:
    found = request_of(OLD_SCRIPTS_ITEM | {"formerFiles": files})
    assert isinstance(found, MalformedRequest)
