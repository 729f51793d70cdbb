"""Tests in AWS what its documentation leaves open, at the control plane and as a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from otactl.aws.service_probe import Answer, ServiceProbe
from otactl.errors import Interrupted, OtactlError
from otactl.fleet.device_probe import DeviceProbe
from otactl.model.arn import domain_of
from otactl.model.diagnosis import Observation
from otactl.model.job_configuration import (
    AbortCriterion,
    JobConfiguration,
    RetryCriterion,
)
from otactl.model.status import FailureType, JobStatus
from otactl.operations.live_check.points import Point, not_observed, observation
from otactl.operations.live_check.session import LiveSession
from otactl.wire.stream_payload import MAX_BLOCK_SIZE, GetStreamRequest
from otactl.wire.stream_topic import PayloadFormat

_RETRY_SECONDS, _QUICK_SECONDS = 30.0, 10.0
_ABORT_SECONDS, _POLL_SECONDS = 6.0, 1.5
_RETRY_ONCE = (RetryCriterion(failure_type=FailureType.FAILED, number_of_retries=1),)
_ABORT_AT_ONCE = (
    AbortCriterion(
        failure_type=FailureType.FAILED, threshold_percentage=100, min_number_of_executed_things=1
    ),
)


def _rate(base: int, factor: float, **more: int) -> dict[str, Any]:
    criteria = {"numberOfNotifiedThings": 1, **more}
    return {"baseRatePerMinute": base, "incrementFactor": factor, "rateIncreaseCriteria": criteria}


#: Exponential rates, for a maximum of 10 a minute, that AWS may refuse.
_RATES = {
    Point.BOTH_CRITERIA: _rate(1, 2.0, numberOfSucceededThings=1),
    Point.BASE_IS_MAXIMUM: _rate(10, 2.0),
    Point.TWO_DECIMALS: _rate(1, 1.55),
}
#: Of the six jobs, four carry images.
_RETRYING, _ABORTING = 4, 5
_DOCUMENT, _LARGE_STREAM = 2, 1
_BLOCKS_OF_LARGE, _BLOCK = 50, 4096

_Question = Callable[["LiveSession", ServiceProbe, DeviceProbe], Iterator["Observation"]]


def ask(session: LiveSession) -> Iterator[Observation]:
    """Ask every question in turn; one that cannot be asked yields the reason."""
    probe = ServiceProbe(session.clients)
    files = session.fleet.files_of(session.record.name)
    questions: dict[_Question, tuple[Point, ...]] = {
        _ask_control_plane: (Point.JOBS_ENDPOINT, Point.MISSING_OBJECT),
        _ask_about_blocks: (Point.BLOCKS_PAST_END, Point.LIBRARY_BITMAP, Point.LARGEST_JSON_BLOCK),
        _ask_about_updates: (
            Point.TERMINAL_UPDATE,
            Point.HOSTED_URL,
            Point.DOCUMENT_READ,
            Point.DETAIL_129,
            Point.DETAIL_1025,
            Point.ELEVEN_DETAILS,
            Point.RETRY_NUMBERS,
            Point.RETRY_DELAY,
        ),
        _ask_about_abort: (*_RATES, Point.ABORT_COUNTS_RETRIED, Point.ABORT_REASON),
    }
    with DeviceProbe(session.broker.endpoint, session.record.name, files) as device:
        for question, points in questions.items():
            session.clock.check()
            answered = set()
            why = "AWS gave no answer"
            try:
                for found in question(session, probe, device):
                    answered.add(found.point.partition(" ")[2])
                    yield found
            except Interrupted:
                raise
            except OtactlError as error:
                why = str(error)
            yield from (not_observed(point, why) for point in points if point not in answered)


def _ask_control_plane(
    session: LiveSession, probe: ServiceProbe, _: DeviceProbe
) -> Iterator[Observation]:
    endpoint = probe.jobs_endpoint()
    yield observation(Point.JOBS_ENDPOINT, endpoint.words, endpoint.status == 400)  # noqa: PLR2004
    record = session.record
    missing = probe.create_stream(
        record.stream_ids[2],
        record.bucket,
        f"firmware/{record.name}/missing",
        session.configuration.role_arn,
    )
    yield observation(Point.MISSING_OBJECT, missing.words, missing.status == 404)  # noqa: PLR2004


def _ask_about_blocks(
    session: LiveSession, _: ServiceProbe, device: DeviceProbe
) -> Iterator[Observation]:
    stream_id = session.record.stream_ids[_LARGE_STREAM]

    def blocks(payload_format: PayloadFormat, **more: Any) -> tuple[int, str]:
        request = GetStreamRequest(file_id=_LARGE_STREAM, **more)
        found, refused = device.blocks(stream_id, request, payload_format)
        came = f"{len(found)} block{'' if len(found) == 1 else 's'}"
        said = "" if refused is None else f", refused: {refused[:200]!r}"
        return len(found), came + said

    count, words = blocks(
        PayloadFormat.CBOR, block_size=_BLOCK, block_offset=_BLOCKS_OF_LARGE - 5, block_count=10
    )
    yield observation(Point.BLOCKS_PAST_END, words, count == 5)  # noqa: PLR2004
    count, words = blocks(PayloadFormat.CBOR, block_size=_BLOCK, block_count=1, bitmap=b"MQ==")
    yield observation(Point.LIBRARY_BITMAP, words, count == 1)
    count, words = blocks(PayloadFormat.JSON, block_size=MAX_BLOCK_SIZE, block_count=1)
    yield observation(Point.LARGEST_JSON_BLOCK, words, count == 0)


def _ask_about_updates(
    session: LiveSession, probe: ServiceProbe, device: DeviceProbe
) -> Iterator[Observation]:
    refused = device.update(session.record.job_ids[0], "IN_PROGRESS")
    expected = ("InvalidStateTransition", "TerminalStateReached")
    code = str(refused.get("code", "accepted"))
    yield observation(
        Point.TERMINAL_UPDATE, f"{code} {refused.get('message', '')}", code in expected
    )
    yield _create_from_object(session, probe)
    execution = device.start_next().get("execution")
    if (
        not isinstance(execution, dict)
        or execution.get("jobId") != session.record.job_ids[_RETRYING]
    ):
        return  # without that job nothing can be observed
    document = execution.get("jobDocument") or {}
    written = document.get("written") if isinstance(document, dict) else None
    moments = {1: "when the job is created", 2: "when it is delivered"}
    observed = moments.get(written, f"the document is {document}"[:200])  # type: ignore[arg-type]
    yield observation(Point.DOCUMENT_READ, observed, written == 1)
    job_id = session.record.job_ids[_RETRYING]
    details = {
        Point.DETAIL_129: ({"value": "x" * 129}, "accepted"),
        Point.DETAIL_1025: ({"value": "x" * 1025}, "InvalidRequest"),
        Point.ELEVEN_DETAILS: ({f"key{n}": "x" for n in range(11)}, "InvalidRequest"),
    }
    for point, (pairs, assumed) in details.items():
        answer = device.update(job_id, "IN_PROGRESS", statusDetails=pairs)
        code = str(answer.get("code", "accepted"))
        words = f"{code} {answer.get('message', '')}".strip()[:200]
        yield observation(point, words, code == assumed)
    yield from _ask_about_retry(session, device, job_id)


def _create_from_object(session: LiveSession, probe: ServiceProbe) -> Observation:
    """Create the job that is retried, from a document that changes right after."""
    record = session.record
    bucket, key = record.bucket, record.object_keys[_DOCUMENT]
    domain = f"s3.{record.region}.{domain_of(record.region)}"
    probe.put_document(bucket, key, {"written": 1})
    request = session.job(_RETRYING, "", JobConfiguration(retry_criteria=_RETRY_ONCE))

    def create(url: str) -> Answer:
        return probe.create_job(request, {"document": None, "documentSource": url})

    hosted = create(f"https://{bucket}.{domain}/{key}")
    if not hosted.is_accepted:
        create(f"https://{domain}/{bucket}/{key}")
    probe.put_document(bucket, key, {"written": 2})
    return observation(Point.HOSTED_URL, hosted.words, hosted.is_accepted)


def _ask_about_retry(
    session: LiveSession, device: DeviceProbe, job_id: str
) -> Iterator[Observation]:
    began_ms = session.clock.monotonic_ms()
    device.forget()
    device.update(job_id, "FAILED")
    retried = device.pushed_execution(job_id, _RETRY_SECONDS)
    seconds = (session.clock.monotonic_ms() - began_ms) / 1000
    if retried is None:
        yield observation(Point.RETRY_DELAY, f"none within {_RETRY_SECONDS:g} s", False)  # noqa: FBT003
        return
    number, version = retried.get("executionNumber"), retried.get("versionNumber")
    words = f"executionNumber {number}, versionNumber {version}"
    yield observation(Point.RETRY_NUMBERS, words, (number, version) == (2, 1))
    yield observation(Point.RETRY_DELAY, f"{seconds:.1f} s", seconds < _QUICK_SECONDS)
    device.update(job_id, "SUCCEEDED")


def _ask_about_abort(
    session: LiveSession, probe: ServiceProbe, device: DeviceProbe
) -> Iterator[Observation]:
    """Create the job that aborts; try first with rollouts that may be refused."""
    policy = JobConfiguration(retry_criteria=_RETRY_ONCE, abort_criteria=_ABORT_AT_ONCE)
    request = session.job(_ABORTING, '{"written": 1}', policy)
    is_created = False
    for point, rate in _RATES.items():
        if is_created:
            yield not_observed(point, "the sixth job was created already")
            continue
        rollout = {"maximumPerMinute": 10, "exponentialRate": rate}
        answer = probe.create_job(request, {"jobExecutionsRolloutConfig": rollout})
        is_created = answer.is_accepted
        refused = answer.status == 400  # noqa: PLR2004
        yield observation(point, answer.words, refused is (point is not Point.TWO_DECIMALS))
    if not is_created:
        session.services.jobs.create(request)
    for attempt in (1, 2):
        if device.pushed_execution(request.job_id, _RETRY_SECONDS) is None:
            return
        device.forget()
        device.update(request.job_id, "FAILED")
        canceled = _canceled(session, request.job_id)
        if attempt == 1:
            words = "it counts at once" if canceled else "it does not count while it is retried"
            yield observation(Point.ABORT_COUNTS_RETRIED, words, canceled is not None)
        if canceled is not None:
            code, comment = canceled
            words = f"{code or 'no reasonCode'}, comment {comment or 'none'}"
            yield observation(Point.ABORT_REASON, words, code.startswith("ABORT"))
            return


def _canceled(session: LiveSession, job_id: str) -> tuple[str, str] | None:
    """The reason and comment of a cancelled job; None if it is not cancelled in _ABORT_SECONDS."""
    until = session.clock.monotonic_ms() + int(_ABORT_SECONDS * 1000)
    while True:
        job = session.services.jobs.describe(job_id)
        if job is not None and job.status is JobStatus.CANCELED:
            return job.reason_code, job.comment
        if job is None or session.clock.monotonic_ms() > until:
            return None
        session.clock.sleep(_POLL_SECONDS)
