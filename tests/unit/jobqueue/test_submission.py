from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, section
from tests.support.memory_queue import NOW_MS

from otactl.jobqueue.order import Priority, job_id_of
from otactl.jobqueue.submission import RequestOptions, plan_parts, queued_configuration
from otactl.model.rollback import RollbackImage

THINGS = tuple(f"arn:aws:iot:us-east-1:123456789012:thing/t{number}" for number in range(25))


def parts(size: int | None = None, options: RequestOptions | None = None):
    counter = iter(range(1000))
    return plan_parts(
        THINGS,
        options or RequestOptions(),
        size=size,
        now_ms=NOW_MS,
        random_bytes=lambda count: next(counter).to_bytes(count, "big"),
    )


def test_unsplit_a_list_is_one_request_of_no_series() -> None:
    (only,) = parts()

    assert only.targets == THINGS
    assert only.series is None
    assert only.after == ()


@pytest.mark.parametrize("size", [1, 7, 10, 24, 25, 26])
def test_the_parts_are_the_list_each_after_the_one_before(size: int) -> None:
    found = parts(size)

    assert tuple(target for part in found for target in part.targets) == THINGS
    assert all(len(part.targets) <= size for part in found)
    assert [part.after for part in found[1:]] == [(part.order_key,) for part in found[:-1]]
    assert [part.order_key for part in found] == sorted(part.order_key for part in found)
    assert len({part.job_id for part in found}) == len(found)


def test_every_part_knows_its_place_and_keeps_what_all_come_after() -> None:
    first, second, third = parts(
        10, RequestOptions(after=("20200101-000000",), priority=Priority.HIGH)
    )

    assert first.after == ("20200101-000000",)
    assert third.after == ("20200101-000000", second.order_key)
    assert third.series is not None
    assert (third.series.name, third.series.part, third.series.parts) == (first.job_id, 3, 3)
    assert first.order_key.startswith("!")


def test_the_queued_copy_names_the_queued_files_and_leaves_the_rest_as_it_is() -> None:
    (part,) = parts()
    text = "# why we do this\n" + dev_ini(
        section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="doc.json"),
        useCustomJobDocument="True",
    )

    copy = queued_configuration(
        text,
        part,
        image="binFile_x_a.bin",
        thing_list="thingListFile_x_l.txt",
        document="docFile_x",
        excepted=None,
    )

    configuration = configuration_of(copy)
    assert configuration.image == "binFile_x_a.bin"
    assert configuration.thing_list == "thingListFile_x_l.txt"
    assert configuration.job_id == part.job_id == job_id_of(part.order_key)
    assert configuration.stream_id == part.job_id.replace("jobId", "streamId")
    assert configuration.custom_document is not None
    assert configuration.custom_document.path == "docFile_x"
    assert copy.startswith("# why we do this\n")
    assert configuration.bucket == configuration_of(text).bucket


def test_the_queued_copy_names_the_images_of_former_versions_by_their_queued_files() -> None:
    (part,) = parts()
    text = dev_ini(
        section("ROLLBACK_CONFIG", imageList="1.0: old.bin,\n  1.1: images/b.bin as 3.0")
    )
    former = [
        RollbackImage(version="1.0", path="formerFile_x_1_old.bin", offered_as="1.0"),
        RollbackImage(version="1.1", path="formerFile_x_2_b.bin", offered_as="3.0"),
        RollbackImage(version="0.9", path="binFile_y_c.bin", offered_as="0.9"),
    ]
    for base in (text, dev_ini()):
        copy = queued_configuration(
            base, part, image="a", thing_list="l", document=None, excepted=None, former=former
        )
        assert configuration_of(copy).rollback.images == tuple(former)
