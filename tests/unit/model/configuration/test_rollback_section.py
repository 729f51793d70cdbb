"""[ROLLBACK_CONFIG]: images by version, and what holds without them."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import configuration_of, dev_ini, found, section

from otactl.model.rollback import Rollback, RollbackImage, WithoutFormerImage


def rollback_of(**keys: str | None) -> Rollback:
    text = dev_ini(section("ROLLBACK_CONFIG", **keys))
    return configuration_of(text, base_dir="/fw").rollback


def test_image_list_has_a_file_for_each_version():
    assert rollback_of(imageList="1.0: a/b.bin,\n  1.1 : c.bin as 3.0").images == (
        RollbackImage(version="1.0", path="/fw/a/b.bin", offered_as="1.0"),
        RollbackImage(version="1.1", path="/fw/c.bin", offered_as="3.0"),
    )


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("1.0", "form"),
        ("1.0:", "form"),
        (": a.bin", "form"),
        ("1.0: a.bin, 1.0: b.bin", "list"),
        (",", "list"),
        (f"{'1' * 129}: a.bin", "form"),
        (f"1.0: a.bin as {'1' * 129}", "form"),
    ],
)
def test_what_an_image_list_refuses(listed: str, code: str):
    problems = found(dev_ini(section("ROLLBACK_CONFIG", imageList=listed)))

    assert problems == [("error", "ROLLBACK_CONFIG", "imageList", code)]


def test_without_former_image_is_one_of_two():
    assert rollback_of(withoutFormerImage="stop").without_image is WithoutFormerImage.STOP
    problems = found(dev_ini(section("ROLLBACK_CONFIG", withoutFormerImage="maybe")))
    assert [key for _, _, key, _ in problems] == ["withoutFormerImage"]


def test_what_holds_when_the_section_is_left_out():
    assert configuration_of(dev_ini()).rollback == Rollback()
    assert Rollback().open_days == 30
    assert not Rollback().keep_image
    assert rollback_of(keepImages="True", openDays="3") == Rollback(keep_image=True, open_days=3)
