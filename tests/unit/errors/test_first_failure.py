from __future__ import annotations

import pytest

from otactl.errors import AwsRefused, Interrupted
from otactl.errors.first_failure import after_failure


def test_a_clean_up_that_fails_too_does_not_replace_what_went_wrong():
    first = AwsRefused("iot:CreateJob", "ExpiredTokenException", "session expired")

    def clean_up():
        raise AwsRefused("s3:HeadObject", "403", "Forbidden")

    with pytest.raises(AwsRefused) as caught, after_failure(clean_up):
        raise first

    assert caught.value is first
    (note,) = caught.value.__notes__
    assert "s3:HeadObject" in note


def test_it_cleans_up_after_a_failure_only():
    done = []

    with after_failure(lambda: done.append("cleaned")):
        pass
    assert done == []
    with pytest.raises(Interrupted), after_failure(lambda: done.append("cleaned")):
        raise Interrupted
    assert done == ["cleaned"]
