"""Deployments that share an image do not take it from each other, whenever they look and delete."""

from __future__ import annotations

from itertools import product

import pytest

from otactl.deploy.step import UploadImage
from otactl.deploy.step.base import StepContext
from otactl.deploy.step.upload import UPLOADED_BY

IMAGE = UploadImage(bucket="bucket", object_key="firmware/x", path="x", size_bytes=1, sha256="ab")


class Interrupting:
    """Objects in which another deployment acts just before the N-th call of this one."""

    def __init__(self, objects, at, act):
        self._objects, self._at, self._act, self.calls = objects, at, act, 0

    def __getattr__(self, name):
        method = getattr(self._objects, name)

        def call(*arguments, **options):
            self.calls += 1
            if self.calls == self._at:
                self._act()
            return method(*arguments, **options)

        return call


def context(aws, deployment_id, objects=None, notes=None):
    services = aws.services
    if objects is not None:
        object.__setattr__(services, "objects", objects)
    reported = notes if notes is not None else []
    started = aws.clock.monotonic_ms()
    return StepContext(
        services=services,
        deployment_id=deployment_id,
        on_note=reported.append,
        span=lambda _name: lambda: aws.clock.monotonic_ms() - started,
    )


@pytest.mark.parametrize("at", range(1, 9))
def test_a_claim_made_at_any_instant_of_a_clean_up_keeps_the_image(aws, at):
    IMAGE.do(context(aws, "first"))
    second = context(aws, "second")
    # While the first one deletes, the second may only wait; it goes on once that is done.
    pending = []

    def claim():
        aws.objects.claim("bucket", "firmware/x", "second")
        pending.append(second)

    interrupting = Interrupting(aws.objects, at, claim)
    IMAGE.undo(context(aws, "first", interrupting), None)
    for waiting in pending:
        IMAGE.do(waiting)

    if pending:
        assert aws.objects.find("bucket", "firmware/x") is not None
    assert {key for _, key, _ in aws.objects.claims} <= {"firmware/x"}


def test_an_image_found_while_a_deletion_is_announced_is_not_trusted(aws):
    IMAGE.do(context(aws, "first"))
    aws.objects.claim("bucket", "deleting/firmware/x", "first")
    aws.objects.claims.discard(("bucket", "firmware/x", "first"))
    sleep = aws.clock.sleep

    def deleting(seconds):
        aws.objects.delete("bucket", "firmware/x", None)
        aws.objects.release("bucket", "deleting/firmware/x", "first")
        sleep(seconds)

    aws.clock.sleep = deleting

    record = IMAGE.do(context(aws, "second"))

    assert record["created"]
    assert aws.objects.find("bucket", "firmware/x").metadata == {UPLOADED_BY: "second"}


def test_an_announcement_of_a_process_that_died_is_waited_for_a_minute(aws):
    aws.objects.claim("bucket", "deleting/firmware/x", "dead")

    IMAGE.do(context(aws, "second"))

    assert 60_000 <= aws.clock.span_ms < 70_000


def test_clean_up_of_one_of_two_keeps_the_image_and_says_with_whom_it_is_shared(aws):
    notes = []
    first = context(aws, "first", notes=notes)
    record = IMAGE.do(first)
    IMAGE.do(context(aws, "second"))

    assert IMAGE.undo(first, record) is False
    assert not IMAGE.remains(first, record)
    assert notes == ["kept: s3://bucket/firmware/x, shared with second"]
    assert IMAGE.undo(context(aws, "second"), {}) is True
    assert aws.objects.stored == {}


@pytest.mark.parametrize(("uploader", "cleaner"), list(product(["first", "second"], repeat=2)))
def test_the_last_one_deletes_it_whoever_uploaded_it(aws, uploader, cleaner):
    IMAGE.do(context(aws, uploader))

    IMAGE.undo(context(aws, cleaner), None)

    assert (aws.objects.stored == {}) is (uploader == cleaner)
