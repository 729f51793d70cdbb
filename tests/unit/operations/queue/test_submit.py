"""What is added to the queue can be read from it again, or is refused before anything is stored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import pytest
from tests.support.dev_ini import dev_ini
from tests.support.memory_queue import NOW_MS

from otactl.errors import UserMistake
from otactl.jobqueue.submission import RequestOptions
from otactl.operations.load import load_deployment
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.submit import Submission, epoch_ms, submit


class EmptyGroups:
    """A registry in which no group has a thing."""

    def members(self, group_arn: str) -> Iterator[str]:
        return iter(())


class GroupSession(QueueSession):
    """A session that must not be asked for anything but the members of groups."""

    @cached_property
    def targets(self) -> EmptyGroups:
        return EmptyGroups()


def test_a_group_without_things_is_not_split(tmp_path: Path) -> None:
    (tmp_path / "test.bin").write_bytes(b"firmware")
    group = "arn:aws:iot:us-east-1:123456789012:thinggroup/empty"
    (tmp_path / "thingsList.txt").write_text(f"{group}\n")
    (tmp_path / "dev.ini").write_text(dev_ini())
    loaded = load_deployment(tmp_path / "dev.ini")
    submission = Submission(loaded=loaded, bucket="b", options=RequestOptions(), split=10)

    with pytest.raises(UserMistake, match="its thing groups have no things"):
        submit(submission, GroupSession("queue", None, "us-east-1", None), now_ms=NOW_MS)


@pytest.mark.parametrize("text", ["1969-12-31", "9999-12-31T00:00", "0001-01-01T00:00+14:00"])
def test_a_time_that_no_item_can_hold_is_refused(text: str) -> None:
    with pytest.raises(UserMistake, match="between 1970 and 5138"):
        epoch_ms(text)


def test_a_time_is_utc_without_an_offset() -> None:
    assert epoch_ms("2026-12-01T03:00") == epoch_ms("2026-12-01T04:00+01:00")
