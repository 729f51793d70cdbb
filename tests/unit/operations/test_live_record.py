"""Nothing is created in an account that could not be written down before."""

from __future__ import annotations

import pytest

from otactl.errors import LocalResourceMissing
from otactl.operations.live_check.record import LiveRecord, read_record, write_record

RECORD = LiveRecord(
    run_id="0123456789ab",
    account="123456789012",
    region="us-east-1",
    bucket="bucket",
    endpoint_url=None,
)


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_record(tmp_path / "live" / RECORD.run_id, RECORD)

    assert read_record(tmp_path / "live" / RECORD.run_id) == RECORD


def test_a_state_directory_that_is_a_file_is_the_users_mistake(tmp_path):
    (tmp_path / "live").write_text("a file")

    with pytest.raises(LocalResourceMissing, match=r"record\.json"):
        write_record(tmp_path / "live" / RECORD.run_id, RECORD)
