from __future__ import annotations

import resource

import pytest

from otactl.deploy.decision_file import DecisionFile
from otactl.errors import LocalResourceMissing
from otactl.model.wave import Act, Decision, Question


def a_decision(act=Act.APPROVE, **changes) -> Decision:
    return Decision(act=act, identity="arn:aws:iam::1:user/ann", host="h", at_ms=5, **changes)


def test_decisions_come_back_in_the_order_in_which_they_were_given(tmp_path):
    file = DecisionFile(tmp_path / "d.sqlite")
    given = (
        a_decision(wave="canary", answers=Question.STRAGGLERS, failed={"first": 2}, comment="é\n"),
        a_decision(Act.PAUSE),
    )
    assert file.read() == ()

    for one in given:
        DecisionFile(tmp_path / "d.sqlite").append(one)

    assert file.read() == given


def test_a_line_that_was_cut_short_is_nobodys_decision_and_spoils_no_other(tmp_path):
    file = DecisionFile(tmp_path / "d.sqlite")
    file.append(a_decision(Act.PAUSE))
    path = tmp_path / "d.decisions"
    path.write_bytes(path.read_bytes() + b'\n{"act":"reje')

    file.append(a_decision(Act.CONTINUE))

    assert [one.act for one in file.read()] == [Act.PAUSE, Act.CONTINUE]


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(LocalResourceMissing, match="cannot write"):
        DecisionFile(tmp_path / "missing" / "d.sqlite").append(a_decision())


def test_a_decision_that_the_disk_took_half_of_is_not_given(tmp_path):
    """A short write raises nothing by itself: the person would think it was written down."""
    file = DecisionFile(tmp_path / "d.sqlite")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40, hard))
    try:
        with pytest.raises(LocalResourceMissing, match="cannot write"):
            file.append(a_decision(Act.REJECT))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert file.read() == ()
