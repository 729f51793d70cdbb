"""``otactl monitor`` as a person uses it: on a terminal, with keys."""

from __future__ import annotations

import re
import signal
import time

import pytest
from tests.e2e.program import environment
from tests.support.scripted_things import scripted_things
from tests.support.terminal import Terminal

ENTER, ESCAPE, TAB, DOWN = "\r", "\x1b", "\t", "\x1b[B"
#: What sets a colour: 30-37, 40-47, 90-97, or 38 and 48 with more behind.
_COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:[349][0-7]|10[0-7]|[34]8;[25])(?:;\d+)*m")


@pytest.fixture
def things(clients, unique):
    with scripted_things(clients, [f"pty-{unique}-{number}" for number in range(6)]) as made:
        yield made


@pytest.fixture
def job(things, unique):
    """A job in the middle: two succeeded, one failed, one downloads, two wait."""
    made = things.job(f"job-{unique}")
    things.report(made, "SUCCEEDED", *things.names[:2], downloadTime="2.5", retryCount="0")
    things.report(made, "FAILED", things.names[2], reason="flash full", step="installing")
    things.report(
        made, "IN_PROGRESS", things.names[3], step="downloading", receivedBlocks=3, totalBlocks=9
    )
    return made


@pytest.fixture
def watched(cloud, tmp_path, job):
    """Start the monitor of the job on a terminal."""

    def start(*arguments, env=None, **options):
        return Terminal(
            *("monitor", "--job-id", job, "--poll", "0.3", "--state-dir", str(tmp_path)),
            *arguments,
            env=environment(cloud) | (env or {}),
            **options,
        )

    return start


def test_it_fills_the_terminal_and_follows_its_size(watched, things, job):
    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.wait_for("flash full")
        assert len(terminal.lines) == 24
        assert all(len(line) <= 80 for line in terminal.lines)
        for words in (job, "IN_PROGRESS", "2 succeeded", "1 failed", "2 queued", "p50 2.5"):
            assert words in terminal.text
        assert terminal.lines[-1].endswith("q quit")
        # Every frame between marks, so that none is seen by half.
        assert terminal.raw.count("\x1b[?2026h\x1b[H") == terminal.raw.count("\x1b[?2026l") > 0

        terminal.resize(120, 40)
        terminal.wait_for(lambda _: terminal.lines[39].endswith("q quit"))
        assert terminal.lines[0].startswith(job)
        # The old frame is gone.
        assert terminal.text.count("q quit") == 1

        terminal.resize(60, 12)
        terminal.wait_for(lambda _: terminal.lines[0].startswith(job))
        assert terminal.lines[11].startswith("t things")

        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.echoes


def test_it_moves_by_itself_and_ends_with_the_job(watched, things, job):
    with watched("--until", "done") as terminal:
        terminal.wait_for("3 of 6 finished, 50%")
        things.report(job, "SUCCEEDED", things.names[4])
        terminal.wait_for("4 of 6 finished, 67%")
        things.report(job, "SUCCEEDED", things.names[3], things.names[5])
        assert terminal.end() == 1
        # What it came to stays on the screen, below the prompt.
        assert "COMPLETED" in terminal.text
        assert f"error: job {job}: 1 thing did not succeed" in terminal.text
        assert terminal.echoes


def test_without_until_it_stays_for_people_to_look(watched, things, job):
    with watched() as terminal:
        terminal.wait_for("q quit")
        things.report(job, "SUCCEEDED", *things.names[3:])
        terminal.wait_for("COMPLETED")
        terminal.watch(1)
        assert terminal.is_running()
        terminal.press("q")
        assert terminal.end() == 0


def test_without_colour_everything_is_still_said(watched):
    with watched(env={"NO_COLOR": "1"}) as plain, watched() as coloured:
        for terminal in (plain, coloured):
            terminal.wait_for("flash full")
        assert not _COLOUR.search(plain.raw)
        assert _COLOUR.search(coloured.raw)
        bar = next(line for line in plain.lines if line.startswith("["))
        assert {"█", "X", "▒", "░"} <= set(bar)


def test_keys_filter_open_and_search(watched, things):
    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.press("t")
        terminal.wait_for("4 things, all")  # those that wait are listed when somebody asks
        terminal.press("f")
        terminal.wait_for("1 thing, failed")
        assert things.names[2] in terminal.text
        assert things.names[0] not in terminal.text

        terminal.press(ENTER)
        terminal.wait_for("status details")
        for words in (things.names[2], "FAILED", "reason", "flash full", "installing"):
            assert words in terminal.text
        terminal.press(ESCAPE)
        terminal.wait_for("1 thing, failed")

        terminal.press(*"ffff")
        terminal.wait_for("2 things, queued")
        assert all(name in terminal.text for name in things.names[4:])

        terminal.press(*"FFFFF")
        terminal.wait_for("things, all")
        terminal.press("/", *"flash", ENTER)
        terminal.wait_for("1 thing, all, with 'flash'")
        terminal.press("?")
        terminal.wait_for("only things with this in their name or reason")
        terminal.press(ESCAPE, "q")
        assert terminal.end() == 0


def test_keys_that_come_at_once_mean_what_one_after_the_other_would(watched, things):
    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.press("t")
        terminal.wait_for("4 things, all")
        terminal.press(DOWN + DOWN + ENTER)
        terminal.wait_for("status details")
        assert terminal.lines[0].startswith(things.names[2])


def test_a_job_is_cancelled_only_by_the_whole_word(watched, clients, job):
    def status():
        return clients.iot.describe_job(jobId=job)["job"]["status"]

    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.press("c")
        terminal.wait_for(f"Cancel job {job} (what has not begun)? Type yes:")
        terminal.press(*"no", ENTER)
        terminal.wait_for("nothing cancelled")
        terminal.press("c", *"yes", ESCAPE)
        terminal.wait_for(lambda text: "Type yes" not in text)
        assert status() == "IN_PROGRESS"

        terminal.press("c", *"yes", ENTER)
        terminal.wait_for("is being cancelled; things in progress finish their update")
        terminal.wait_for("CANCELED")
        terminal.wait_for("cancelled with otactl")
        assert status() == "CANCELED"
        terminal.press("q")
        assert terminal.end() == 0


def test_on_a_thing_its_execution_is_cancelled_and_a_refusal_is_told(watched, clients, things, job):
    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.press("/", *things.names[3], ENTER)
        terminal.wait_for("1 thing, all")
        terminal.press(ENTER)
        terminal.wait_for("downloading")
        terminal.press("c", *"yes", ENTER)
        # It is in the middle of an update: only by force.
        terminal.wait_for("cannot be cancelled")
        terminal.press("C", *"yes", ENTER)
        terminal.wait_for(f"on {things.names[3]} is cancelled")
        found = clients.iot.describe_job_execution(jobId=job, thingName=things.names[3])
        assert found["execution"]["status"] == "CANCELED"
        assert clients.iot.describe_job(jobId=job)["job"]["status"] == "IN_PROGRESS"


def test_several_jobs_stand_above_each_other_and_tab_goes_through_them(
    watched, things, unique, job
):
    other = things.job(f"other-{unique}", things.names[:2])
    with watched("--job-id", other) as terminal:
        terminal.wait_for(f"> {job}")
        terminal.wait_for(f"  {other} IN_PROGRESS 0 of 2 finished")
        terminal.press(TAB)
        terminal.wait_for(f"> {other}")
        terminal.wait_for(lambda text: f"\n{other}  IN_PROGRESS" in text)


def test_what_goes_wrong_is_told_on_the_screen(watched, clients, job):
    with watched() as terminal:
        terminal.wait_for("2 succeeded")
        clients.iot.delete_job(jobId=job, force=True)
        terminal.wait_for("the job was deleted; this is how it was last seen")
        assert "2 succeeded" in terminal.text


@pytest.mark.parametrize("key", ["\x03", "TERM"])
def test_stopped_it_leaves_the_terminal_as_it_was(watched, key):
    with watched() as terminal:
        terminal.wait_for("q quit")
        if key == "TERM":
            terminal.send_signal(signal.SIGTERM)
            assert terminal.end(10) == 143
        else:
            terminal.press(key)
            assert terminal.end(10) == 130
        assert terminal.echoes
        assert "Traceback" not in terminal.raw
        # The cursor is shown again, and the other screen left.
        assert terminal.raw.rindex("\x1b[?25h") > terminal.raw.rindex("\x1b[?25l")
        assert terminal.raw.rindex("\x1b[?1049l") > terminal.raw.rindex("\x1b[?1049h")


def test_a_window_that_is_closed_ends_it(watched):
    with watched() as terminal:
        terminal.wait_for("q quit")
        terminal.hang_up()
        assert terminal.exit_code(10) == 128 + signal.SIGHUP


def test_a_terminal_that_goes_without_a_signal_ends_it_plainly(watched, tmp_path):
    said = tmp_path / "said"
    with watched(ignores_hangup=True, stderr=said) as terminal:
        terminal.wait_for("q quit")
        terminal.hang_up()
        assert terminal.exit_code(10) == 128 + signal.SIGHUP
    assert said.read_text() == "interrupted\n"


@pytest.mark.parametrize("keys", ["", "t"])
def test_it_waits_for_keys_and_does_not_spin(watched, keys):
    with watched("--poll", "1") as terminal:
        terminal.wait_for("q quit")
        terminal.press(*keys)
        terminal.watch(0.5)
        before, begun = terminal.cpu_seconds, time.monotonic()
        terminal.watch(4)
        used, took = terminal.cpu_seconds - before, time.monotonic() - begun
    assert used / took < 0.25, f"{used:.2f} s of processor time in {took:.1f} s"
