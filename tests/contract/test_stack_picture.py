"""The picture in the documentation is the template's."""

from __future__ import annotations

from scripts.dev.stack_picture import OUTSIDE, PICTURE, Drawing, picture
from tests.support.stack_template import load_template, without

from otactl.lambdas.metrics_generator import METRIC_OF_STATUS


def test_the_picture_is_as_new_as_the_template() -> None:
    assert PICTURE.read_text(encoding="utf-8") == picture(), (
        "run: python -m scripts.dev.stack_picture"
    )


def test_every_resource_is_in_the_picture() -> None:
    drawn = picture()

    assert [name for name in load_template()["Resources"] if f">{name}</text>" not in drawn] == []


def test_a_permission_that_is_not_there_has_no_arrow() -> None:
    def deeds(*missing: str) -> set[tuple[str, str]]:
        arrows = Drawing(without(load_template(), *missing)).arrows
        return {(arrow.source, arrow.target) for arrow in arrows if arrow.target in OUTSIDE}

    assert deeds() - deeds("ForceStopperRole/CancelJobs") == {("ForceStopper", "jobs")}


def test_no_box_lies_on_another() -> None:
    drawing = Drawing(load_template())
    width, height = drawing.location()
    boxes = list(drawing.boxes.values())

    for number, one in enumerate(boxes):
        assert 0 <= one.x < one.x + 208 <= width
        assert 0 <= one.y < one.y + one.height <= height
        for other in boxes[number + 1 :]:
            apart = (
                one.x + 208 <= other.x
                or other.x + 208 <= one.x
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
            assert apart, (one.name, other.name)


def test_the_page_names_every_metric_and_every_parameter() -> None:
    page = (PICTURE.parent / "stack.md").read_text(encoding="utf-8")
    named = [*METRIC_OF_STATUS.values(), "downloadTime", "retryCount", "malformedEvents"]

    assert [name for name in named if f"`{name}`" not in page] == []
    assert [name for name in load_template()["Parameters"] if f"`{name}`" not in page] == []
    assert "up to 15 minutes" in page, "the manual's warning"
