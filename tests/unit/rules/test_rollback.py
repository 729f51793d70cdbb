"""Who is rolled back: exactly those that took the image or may have, each to what it had."""

from __future__ import annotations

import pytest

from otactl.model.outcome import ThingOutcome
from otactl.model.status import ExecutionStatus as S
from otactl.model.thing_state import ThingState
from otactl.rules.rollback import RollbackReason as R
from otactl.rules.rollback import ThingHistory, reason_of, rollback_set

NEW, FORMER = "2.0", "1.0"
STARTED, ENDED = 100_500, 160_500


def history(status=S.SUCCEEDED, *, started=STARTED, step="", former=FORMER, state=None, name="t"):
    execution = ThingOutcome(
        thing_name=name,
        status=status,
        started_at_ms=started,
        updated_at_ms=ENDED,
        status_details={"step": step} if step else {},
    )
    return ThingHistory(thing_name=name, executions=[execution], former=former, state=state)


def reports(version, at_ms=None, *, connected=True):
    return ThingState(thing_name="t", version=version, version_at_ms=at_ms, is_connected=connected)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (history(), R.SUCCEEDED),
        (history(state=reports(NEW, 1)), R.REPORTS_NEW),
        (history(S.FAILED, step="testing", state=reports(NEW, ENDED)), R.REPORTS_NEW),
        (history(S.IN_PROGRESS, step="rebooting"), R.SILENT),
        (history(S.IN_PROGRESS, step="installing"), R.SILENT),
        (history(S.TIMED_OUT, step="rebooting", state=reports(FORMER, 99_000)), R.SILENT),
        (history(S.FAILED, step="testing"), R.SILENT),
        # What a thing reported before SUCCEEDED says nothing of what runs after it.
        (history(state=reports(FORMER, ENDED - 1)), R.SUCCEEDED),
        (history(state=ThingState(thing_name="t", unreadable="denied")), R.SUCCEEDED),
    ],
)
def test_in_is_what_took_the_image_or_may_have(one, reason):
    assert reason_of(one, NEW) is reason
    assert reason.is_in


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (ThingHistory(thing_name="t", former=FORMER), R.NEVER_BEGAN),
        (history(S.QUEUED, started=None), R.NEVER_BEGAN),
        (history(S.CANCELED, started=None), R.NEVER_BEGAN),
        (history(S.FAILED, step="downloading"), R.NOT_INSTALLED),
        # It lives and says that it could not install.
        (history(S.FAILED, step="installing"), R.NOT_INSTALLED),
        (history(S.TIMED_OUT, step="downloading"), R.NOT_INSTALLED),
        (history(S.IN_PROGRESS, step="downloading"), R.IN_PROGRESS),
        (history(state=reports(FORMER, ENDED)), R.REPORTS_FORMER),
        (history(S.FAILED, step="testing", state=reports(FORMER, 101_000)), R.REPORTS_FORMER),
        (history(state=reports("3.0", ENDED)), R.REPORTS_OTHER),
        (history(former=NEW, state=reports(NEW, ENDED)), R.HAD_IT),
    ],
)
def test_out_is_what_did_not(one, reason):
    assert reason_of(one, NEW) is reason
    assert not reason.is_in


def test_a_report_of_the_second_in_which_it_began_is_not_fresh():
    """A device reports its version when it boots, and takes its job in the same second."""
    same_second = reports(FORMER, STARTED // 1000 * 1000 + 999)

    assert reason_of(history(S.TIMED_OUT, step="rebooting", state=same_second), NEW) is R.SILENT


def test_of_several_attempts_each_counts():
    first = history(S.FAILED, step="testing").executions[0]
    second = history(S.FAILED, step="downloading").executions[0]
    one = ThingHistory(thing_name="t", executions=[first, second], former=FORMER)

    assert reason_of(one, NEW) is R.SILENT


def test_each_thing_goes_back_to_what_it_had():
    found = rollback_set(
        [
            history(name="a"),
            history(name="b", former="0.9", state=reports(None, connected=False)),
            history(name="c", former=None),
            history(name="d", former=NEW),
            history(name="e"),
            history(S.IN_PROGRESS, step="downloading", name="f"),
        ],
        NEW,
    )

    assert found.to_version == {"0.9": ("b",), FORMER: ("a", "e")}
    assert found.no_former == ("c",)
    assert found.with_reason(R.HAD_IT) == ["d"]
    assert found.with_reason(R.IN_PROGRESS) == ["f"]
    assert found.offline == {"b"}


def test_who_has_just_ended_may_still_report():
    """A device reports some seconds after its success: what it says then decides."""
    silent = reports(FORMER, 1)

    assert rollback_set([history(state=silent)], NEW).last_end_ms == ENDED
    assert rollback_set([history(state=reports(NEW, ENDED))], NEW).last_end_ms is None
    assert rollback_set([history()], NEW).last_end_ms is None


@pytest.mark.parametrize(
    ("state", "is_awaited"),
    [
        (None, True),
        (reports(NEW, ENDED), True),
        (reports(NEW, ENDED, connected=False), False),
        # Without connectivity data, who reported the new version lived at least that long.
        (reports(NEW, ENDED, connected=None), True),
        (reports(FORMER, 1, connected=None), False),
    ],
)
def test_who_is_waited_for(state, is_awaited):
    found = rollback_set([history(state=state)], NEW)

    assert (found.offline == frozenset()) is is_awaited
