"""A checkpoint is untrusted: what cannot be a time or a count is refused as it is read."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from otactl.operations.queue.checkpoint import Checkpoint


@pytest.mark.parametrize("name", ["planned_ms", "things"])
@pytest.mark.parametrize("number", [-1, 10**15, 10**300])
def test_numbers_beyond_all_times_and_counts_are_refused(name: str, number: int) -> None:
    fields = {"planned_ms": 1, "document": "{}", "things": 1}
    assert Checkpoint.model_validate(fields).things == 1

    with pytest.raises(ValidationError, match=name):
        Checkpoint.model_validate(fields | {name: number})
