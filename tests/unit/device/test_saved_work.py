"""Saved work comes back as it was, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.device.report import Report
from otactl.device.saved_work import SavedWork
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus

IMAGE = Image(size_bytes=1000, stream_id="s", md5="0" * 32)
SAVED = SavedWork(
    identity=("job", 2, 1760000000),
    content_key=IMAGE.content_key,
    block_size=256,
    received=b"\x05",
    download_ms=1234,
    retries=3,
)
REPORTED = replace(SAVED, report=Report(ExecutionStatus.SUCCEEDED, {"sha256": "ab"}))


@pytest.mark.parametrize("saved", [SAVED, REPORTED, replace(SAVED, identity=("j", 1, None))])
def test_it_comes_back_as_it_was(saved: SavedWork) -> None:
    assert SavedWork.from_fields(json.loads(json.dumps(saved.to_fields()))) == saved


@given(
    st.dictionaries(
        st.sampled_from(list(SAVED.to_fields())),
        st.none() | st.integers() | st.text() | st.floats() | st.lists(st.integers()),
    ),
    st.sets(st.sampled_from(list(SAVED.to_fields()))),
)
def test_a_damaged_file_does_not_break_the_device(changes: dict[str, Any], gone: set[str]) -> None:
    fields = {**REPORTED.to_fields(), **changes}

    SavedWork.from_fields({key: field for key, field in fields.items() if key not in gone})


@pytest.mark.parametrize("fields", [None, [], "x", 3, {}])
def test_what_is_no_record_gives_nothing(fields: Any) -> None:
    assert SavedWork.from_fields(fields) is None


def test_blocks_are_good_for_the_very_image_and_block_size_only() -> None:
    assert SAVED.fits(IMAGE, 256)
    assert SAVED.fits(replace(IMAGE, stream_id="another", url="https://a/b"), 256)
    assert not SAVED.fits(IMAGE, 512)
    assert not SAVED.fits(replace(IMAGE, md5="1" * 32), 256)
    assert not SAVED.fits(replace(IMAGE, size_bytes=1001), 256)
    # Once the slots are switched the blocks are no longer in the spare one.
    assert not REPORTED.fits(IMAGE, 256)
