from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text
from tests.support.job_world import JobWorld

from otactl.model.job_configuration import AbortCriterion, JobConfiguration
from otactl.model.status import ExecutionStatus, FailureType
from otactl.model.wave import Act, GateStatus, Question, Verdict
from otactl.monitor.board import Board
from otactl.monitor.followed import FollowedThings
from otactl.monitor.job_watcher import JobWatcher
from otactl.monitor.watch_policy import WatchPolicy
from otactl.views.monitor_terminal.frame import draw, wrap
from otactl.views.monitor_terminal.keyboard import decode_keys
from otactl.views.monitor_terminal.screen import (
    Cancel,
    Decide,
    ListState,
    Mode,
    PollNow,
    Prompt,
    Quit,
    Screen,
    ShowThing,
    WantStatus,
    press,
)

S = ExecutionStatus
HOSTILE = "[bold red]x[/] \x1b[2J\x07 \u202e <script>alert(1)</script>"


def a_board(*, things=40, reason="flash full", jobs=("job",), gate=None):
    world = JobWorld()
    criterion = AbortCriterion(
        failure_type=FailureType.FAILED, threshold_percentage=50.0, min_number_of_executed_things=5
    )
    watchers = []
    for job_id in jobs:
        names = [f"thing-{number:03}" for number in range(things)]
        world.create(job_id, names, JobConfiguration(abort_criteria=(criterion,)))
        world.start(
            *names[: things // 2],
            job_id=job_id,
            step="downloading",
            receivedBlocks=1,
            totalBlocks=9,
        )
        world.end(S.SUCCEEDED, *names[:5], job_id=job_id, downloadTime="2.5", retryCount="0")
        world.end(S.FAILED, names[5], job_id=job_id, reason=reason)
        watcher = JobWatcher(
            job_id,
            world,
            world,
            WatchPolicy(),
            things=lambda: things * 2,
            followed=FollowedThings([names[6]]),
            gate=lambda: gate,
        )
        watcher.poll(extra_calls=50)
        watchers.append(watcher)
    board = Board(watchers)
    for watcher in watchers:
        board.put(watcher.job_id, watcher.snapshot())
    return board


def text_of(frame):
    return "\n".join(line.plain for line in frame.lines)


LIST_STATE = ListState(things=40, page=10, thing_name="thing-000")
SCREENS = (
    Screen(),
    Screen(mode=Mode.THINGS),
    Screen(mode=Mode.THINGS, status=S.FAILED, search="flash"),
    Screen(mode=Mode.THING, thing_name="thing-005"),
    Screen(mode=Mode.HELP),
    Screen(prompt=Prompt.CANCEL, typed="ye", force=True),
    Screen(prompt=Prompt.SEARCH, typed="abc"),
    Screen(prompt=Prompt.DECIDE, typed="yes they are fine"),
)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 50), (20, 3)])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_frame_has_exactly_the_size_of_the_terminal(screen, size):
    width, height = size
    frame = draw(a_board(), screen, width=width, height=height)
    assert len(frame.lines) == max(height, 8)
    assert all(line.cell_len <= width for line in frame.lines)


@given(
    st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), max_size=200),
    st.integers(2, 60),
)
@example("pace       14 notified, 15 finished per minute", 30)
@example("漢字" * 20, 7)
def test_folded_lines_fit_and_lose_nothing_but_blanks(words, width):
    parts = wrap([Text(words)], width)
    assert all(part.cell_len <= width for part in parts)
    assert "".join("".join(part.plain for part in parts).split()) == "".join(words.split())


def test_what_stands_in_two_columns_goes_on_below_the_second():
    parts = wrap([Text("silent     2 in progress and silent: pump-1 1 min, pump-2 3 min")], 40)
    assert [part.plain for part in parts] == [
        "silent     2 in progress and silent:",
        "           pump-1 1 min, pump-2 3 min",
    ]


def test_a_refusal_is_readable_as_a_whole_in_80_columns():
    refusal = "AWS refused iot:DescribeJob: " + "the token is not good any more " * 3 + "(Expired)"
    board = a_board()
    board.put("job", replace(board.snapshot("job"), note=refusal))
    shown = text_of(draw(board, Screen(message=refusal), width=80, height=30))
    assert shown.count("(Expired)") == 2
    assert "…" not in shown


def test_long_names_keep_what_tells_them_apart():
    names = [f"{'a-very-long-prefix-of-a-site-and-a-building-' * 2}{number}" for number in (1, 2)]
    world = JobWorld()
    world.create("job", names)
    world.start(*names)
    watcher = JobWatcher("job", world, world, WatchPolicy())
    watcher.poll()
    board = Board([watcher])
    board.put("job", watcher.snapshot())
    for width in (80, 120, 200):
        shown = text_of(draw(board, Screen(mode=Mode.THINGS), width=width, height=20))
        rows = [line for line in shown.splitlines() if "in progress" in line]
        assert len(set(rows)) == 2
        assert ("…" in rows[0]) is (width < 150)


def test_everything_that_matters_is_on_a_screen_of_80_columns():
    shown = text_of(draw(a_board(), Screen(), width=80, height=24))
    for words in ("IN_PROGRESS", "5 succeeded", "1 failed", "40 not notified", "8%", "flash full"):
        assert words in shown
    assert "downloading block 1 of 9" in shown
    assert "more in a row would" in shown


def test_what_devices_say_is_shown_and_not_obeyed():
    console = Console(record=True, width=120, force_terminal=True, file=None, legacy_windows=False)
    with console.capture() as captured:
        for screen in SCREENS:
            for line in draw(a_board(reason=HOSTILE), screen, width=120, height=30).lines:
                console.print(line)
    assert "\x1b[2J" not in captured.get()
    assert "\x07" not in captured.get()
    assert "[bold red]x[/]" in captured.get()


def test_several_jobs_stand_above_the_one_that_is_shown():
    board = a_board(jobs=("first", "second"))
    shown = text_of(draw(board, Screen(jobs=2, job=1), width=100, height=30))
    assert "  first IN_PROGRESS" in shown
    assert "> second IN_PROGRESS" in shown


def test_a_job_nobody_knows_is_said_to_be_none():
    world = JobWorld()
    watcher = JobWatcher("none", world, world, WatchPolicy())
    watcher.poll()
    board = Board([watcher])
    board.put("none", watcher.snapshot())
    assert "there is no such job" in text_of(draw(board, Screen(), width=80, height=24))


def typed(screen, keys):
    act = None
    for key in keys:
        screen, act = press(screen, key, LIST_STATE)
    return screen, act


def test_a_job_is_cancelled_only_when_yes_is_typed_in_full():
    screen, act = typed(Screen(), [*"c", *"yes", "enter"])
    assert act == Cancel(None, force=False)
    for answer in ("y", "yess", "", "no"):
        screen, act = typed(Screen(), ["c", *answer, "enter"])
        assert act is None
        assert screen.message == "nothing cancelled"


@pytest.mark.parametrize(
    ("key", "act"),
    [("a", Act.APPROVE), ("x", Act.REJECT), ("p", Act.PAUSE), ("P", Act.CONTINUE)],
)
def test_a_person_decides_at_a_gate_by_a_key_and_yes_and_says_why(key, act):
    screen, asked = typed(Screen(), [key, *"yes seen them", "enter"])
    assert asked == Decide(act, "seen them")
    screen, asked = typed(Screen(), [key, *"yess", "enter"])
    assert (asked, screen.message) == (None, "nothing decided")


def test_the_gate_of_a_wave_is_told_with_the_keys_that_answer_it():
    gate = GateStatus(
        wave=1,
        name="canary",
        verdict=Verdict.INCONCLUSIVE,
        reasons=("20 of 50 ended (40 needed)",),
        at_ms=0,
        things=50,
        question=Question.INCONCLUSIVE,
    )

    shown = text_of(draw(a_board(gate=gate), Screen(), width=80, height=24))

    assert "inconclusive: 20 of 50 ended (40 needed)" in shown
    assert "a approve" in shown
    assert "a approve" not in text_of(draw(a_board(), Screen(), width=80, height=24))


def test_escape_leaves_a_question_unanswered():
    screen, act = typed(Screen(), ["C", "y", "e", "s", "escape", "enter"])
    assert not isinstance(act, Cancel)
    assert screen.prompt is Prompt.NONE


def test_on_a_thing_its_execution_is_cancelled():
    screen = Screen(mode=Mode.THING, thing_name="thing-007")
    _, act = typed(screen, ["C", *"yes", "enter"])
    assert act == Cancel("thing-007", force=True)


def test_keys_of_a_question_are_text_and_no_commands():
    screen, act = typed(Screen(), ["/", "q", "c", "t"])
    assert (screen.typed, act) == ("qct", None)
    screen, _ = typed(screen, ["backspace", "enter"])
    assert (screen.search, screen.mode) == ("qc", Mode.THINGS)


def test_the_list_opens_a_thing_and_asks_about_it():
    screen, act = typed(Screen(mode=Mode.THINGS), ["enter"])
    assert (screen.mode, act) == (Mode.THING, ShowThing("thing-000"))
    screen, _ = typed(screen, ["escape"])
    assert screen.mode is Mode.THINGS


def test_the_cursor_stays_in_the_list():
    screen = Screen(mode=Mode.THINGS)
    for keys, location in (
        (["up"], 0),
        (["pagedown"], 10),
        (["end"], 39),
        (["down"], 39),
        (["home"], 0),
    ):
        screen, _ = typed(screen, keys)
        assert screen.cursor == location


def test_filters_go_round_and_want_what_they_show():
    screen, act = typed(Screen(), ["f"])
    assert (screen.mode, screen.status, act) == (Mode.THINGS, None, None)
    screen, act = typed(screen, ["f"])
    assert act == WantStatus(S.FAILED)
    screen, _ = typed(screen, ["F", "F"])
    assert screen.status is S.REMOVED


@pytest.mark.parametrize(("key", "act"), [("q", Quit()), ("r", PollNow())])
def test_plain_commands(key, act):
    assert typed(Screen(), [key])[1] == act


def test_tab_goes_through_the_jobs():
    screen, _ = typed(Screen(jobs=2), ["tab"])
    assert screen.job == 1
    screen, _ = typed(screen, ["tab"])
    assert screen.job == 0


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        ("\x1b[A\x1b[B", ["up", "down"]),
        ("\x1bOA", ["up"]),
        ("\x1b", ["escape"]),
        ("ab\r", ["a", "b", "enter"]),
        ("\x1b[1;5Cq", ["q"]),
        ("\x1b[5~\x1b[6~", ["pageup", "pagedown"]),
        ("é\x01", ["é"]),
        ("\x1b[", []),
    ],
)
def test_what_terminals_send_becomes_keys(sent, keys):
    assert decode_keys(sent) == keys


def test_the_list_of_things_has_the_progress_of_freertos_agents():
    world = JobWorld()
    world.create("job", ["loading", "tested"])
    world.start("loading", job_id="job", receive="12/94")
    world.start("tested", job_id="job", self_test="active", updatedBy="0x01000000")
    followed = FollowedThings(["loading", "tested"])
    watcher = JobWatcher("job", world, world, WatchPolicy(), followed=followed)
    watcher.poll(extra_calls=5)
    board = Board([watcher])
    board.put("job", watcher.snapshot())

    shown = text_of(draw(board, Screen(mode=Mode.THINGS), width=100, height=24))
    assert "downloading 12/94" in shown
    assert "testing" in shown


def test_a_list_that_became_shorter_than_the_cursor_still_shows_its_things():
    frame = draw(a_board(), Screen(mode=Mode.THINGS, cursor=500), width=80, height=24)
    assert "thing-019" in text_of(frame)
    assert frame.list_state.thing_name == "thing-019"


def test_a_search_without_a_match_does_not_say_that_no_thing_is_known():
    text = text_of(draw(a_board(), Screen(mode=Mode.THINGS, search="xyz"), width=80, height=24))
    assert "no thing is like that" in text
