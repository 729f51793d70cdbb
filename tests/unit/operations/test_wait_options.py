from __future__ import annotations

import pytest

from otactl.deploy.step_run import WaitOptions
from otactl.errors import UserMistake
from otactl.operations.environment import wait_options


def test_waves_are_waited_for_as_the_options_say():
    given = wait_options(has_waves=True, leaves=True, max_wait_seconds=5)

    assert given == WaitOptions(leaves=True, max_wait_seconds=5)


@pytest.mark.parametrize(
    ("leaves", "max_wait", "resumes", "words"),
    [
        (True, None, False, "--no-wait"),
        (False, 5, True, "--max-wait"),
        (True, 5, True, "--no-wait"),
    ],
)
def test_what_is_about_gates_is_refused_where_there_are_none(leaves, max_wait, resumes, words):
    with pytest.raises(UserMistake, match=f"{words} is about the gates of waves"):
        wait_options(has_waves=False, leaves=leaves, max_wait_seconds=max_wait, resumes=resumes)


def test_a_plain_deployment_keeps_its_own_max_wait():
    given = wait_options(has_waves=False, leaves=False, max_wait_seconds=5)

    assert given == WaitOptions(max_wait_seconds=5)
