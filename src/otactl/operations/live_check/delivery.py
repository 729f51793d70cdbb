"""Delivers two images, each by stream and by presigned URL, to one virtual thing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from otactl.deploy.image_file import measure_image
from otactl.deploy.ownership import describe_ours
from otactl.deploy.ports import StreamRequest
from otactl.device.profile import DeviceProfile
from otactl.fleet import DevicePlan, FleetRun, ThingResult
from otactl.model.firmware import Firmware
from otactl.model.image import Image
from otactl.model.job_configuration import JobConfiguration
from otactl.model.status import ExecutionStatus
from otactl.operations.live_check.session import LiveSession
from otactl.wire.job_document import build_document, encode_document, presigned_url_placeholder

#: The images, in bytes: one block of a stream, and fifty.
SIZES = (4 * 1024, 200 * 1024)
_PIECE_BYTES = 64 * 1024
_TIMEOUT_MINUTES = 5
#: Less than the whole budget: the questions need time, too.
_MOST_SECONDS = 120.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery of one image.

    Attributes:
        way: ``stream`` or ``URL``.
        is_verified: Whether the thing reported success and the image's SHA-256.
        detail: How long it took, or why it failed.
    """

    size_bytes: int
    way: str
    is_verified: bool
    detail: str


def deliver(session: LiveSession) -> tuple[Delivery, ...]:
    """Deliver every image both ways; returns when the thing has finished, or the time is over."""
    images = [_store(session, number, size) for number, size in enumerate(SIZES)]
    jobs = list(_create_jobs(session, images))
    # Nothing is installed: only the download is checked.
    profile = DeviceProfile(install_ms=0, reboot_ms=0, self_test_ms=0)
    plan = DevicePlan(thing_name=session.record.name, profile=profile)
    with FleetRun(
        session.fleet, [plan], endpoint=session.broker.endpoint, clock=session.broker.clock
    ) as running:
        until = session.clock.monotonic_ms() + int(_MOST_SECONDS * 1000)
        while len(running.results()) < len(jobs) and session.clock.monotonic_ms() < until:
            if session.calls.seconds_left <= 0:
                break
            session.clock.sleep(_POLL_SECONDS)
        results = {result.job_id: result for result in running.results()}
        faults = "; ".join(running.progress().faults.values())
    return tuple(_delivery(image, way, results.get(job_id), faults) for job_id, image, way in jobs)


def _store(session: LiveSession, number: int, size_bytes: int) -> Firmware:
    """Make a random image, upload it, and create its stream."""
    record, services = session.record, session.services
    path = session.folder / f"image-{number}"
    path.write_bytes(os.urandom(size_bytes))
    image = measure_image(str(path), piece_bytes=_PIECE_BYTES)
    key = record.object_keys[number]
    stored = services.objects.put_file(
        record.bucket, key, image.path, sha256=image.sha256, metadata={}
    )
    services.streams.create(
        StreamRequest(
            stream_id=record.stream_ids[number],
            file_id=number,
            bucket=record.bucket,
            key=key,
            version_id=stored.version_id,
            role_arn=session.configuration.role_arn,
            description=describe_ours(record.run_id),
        )
    )
    return image


def _create_jobs(
    session: LiveSession, images: list[Firmware]
) -> Iterator[tuple[str, Firmware, str]]:
    """Create the jobs: each one's id, image and way."""
    record = session.record
    for number, image in enumerate(images):
        url = presigned_url_placeholder(record.region, record.bucket, record.object_keys[number])
        for way in ("stream", "URL"):
            by_url = way == "URL"
            described = Image(
                size_bytes=image.size_bytes,
                file_id=number,
                stream_id=None if by_url else record.stream_ids[number],
                version="1",
                md5=image.md5,
                sha256=image.sha256,
                url=url if by_url else None,
            )
            policy = JobConfiguration(
                in_progress_timeout_minutes=_TIMEOUT_MINUTES,
                presigned_url=session.presigned_url if by_url else None,
            )
            document = encode_document(build_document(described))
            request = session.job(2 * number + by_url, document, policy)
            session.services.jobs.create(request)
            yield request.job_id, image, way


def _delivery(image: Firmware, way: str, result: ThingResult | None, faults: str) -> Delivery:
    is_verified, detail = False, faults or "the thing did not finish in time"
    if result is not None:
        is_verified = result.status is ExecutionStatus.SUCCEEDED and result.sha256 == image.sha256
        detail = f"{result.status or 'taken away'}: {result.reason}"
        if is_verified:
            detail = f"verified, {result.download_seconds:.1f} s"
    return Delivery(size_bytes=image.size_bytes, way=way, is_verified=is_verified, detail=detail)
