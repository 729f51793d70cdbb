"""``otactl init`` in a pseudo-terminal, keys pressed as a user presses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from tests.e2e.program import environment, run_program
from tests.support.dev_ini import REQUIRED, configuration_of, dev_ini
from tests.support.warm_program import WarmTerminal

if TYPE_CHECKING:
    from collections.abc import Iterator

ENTER, CTRL_C, CLEAR_LINE, DOWN, SPACE = "\r", "\x03", "\x15", "\x1b[B", " "
#: The questions of [DEFAULT] in order; what is not given here is taken as suggested.
QUESTIONS = [
    "thingList",
    "binName",
    "roleArn",
    "jobId",
    "rounds",
    "bucket",
    "cleanUpCfg",
    "abortWaitMinutes",
    "debug",
    "defaultDelay",
    "region",
    "streamId",
    "iotApiSleepTime",
    "fileChunkSize",
    "targetSelection",
    "documentFormat",
]


class Terminal:
    """A person at a terminal, running ``otactl init``."""

    def __init__(self, folder: Path, *arguments: str, full: bool = True) -> None:
        self.process = WarmTerminal(
            ["init", *arguments, *["--full"] * full],
            cwd=folder,
            dimensions=(50, 120),
            # Nobody here answers when the program asks the terminal where its cursor is.
            env={**os.environ, "PROMPT_TOOLKIT_NO_CPR": "1"},
        )
        self.process.delaybeforesend = None

    def answer(self, question: str, answer: str | None = None) -> None:
        """Wait for a question; type an answer in place of the suggestion, or take that."""
        # The question mark and the question have colours of their own.
        self.process.expect(rf"\?(?:\x1b\[[0-9;]*m)* {question}\b")
        if answer is not None:
            self.process.send(CLEAR_LINE + answer)
        self.process.send(ENTER)

    def answer_default_section(self, **answers: str) -> None:
        for question in QUESTIONS:
            self.answer(question, answers.get(question))

    def end(self) -> int:
        self.process.expect(pexpect.EOF)
        self.process.wait()
        return int(self.process.exitstatus or 0)


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.process.close(force=True)


OWN = {key: REQUIRED[key] for key in ("roleArn", "jobId", "bucket", "streamId")}


def test_a_new_file_is_asked_for_and_written(tmp_path: Path, terminals: list[Terminal]):
    terminal = Terminal(tmp_path, "my dev.ini")
    terminals.append(terminal)

    terminal.answer_default_section(**OWN)
    terminal.answer("What else")

    assert terminal.end() == 0
    configuration = configuration_of((tmp_path / "my dev.ini").read_text())
    assert configuration.job_id == OWN["jobId"]
    assert configuration.role_arn == OWN["roleArn"]


def test_a_wrong_answer_is_told_why_and_can_be_mended(tmp_path: Path, terminals: list[Terminal]):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)

    for question in ("thingList", "binName"):
        terminal.answer(question)
    terminal.answer("roleArn", OWN["roleArn"])
    terminal.answer("jobId", "no good")
    terminal.process.expect("must be 1 to 64 letters")
    terminal.process.send(CLEAR_LINE + "good" + ENTER)
    for question in QUESTIONS[4:]:
        terminal.answer(question, OWN.get(question))
    terminal.answer("What else")

    assert terminal.end() == 0
    assert configuration_of((tmp_path / "dev.ini").read_text()).job_id == "good"


def test_a_section_can_be_ticked_and_filled(tmp_path: Path, terminals: list[Terminal]):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)

    terminal.answer_default_section(**OWN)
    terminal.process.expect("What else")
    # The fifth of the list is [TIMEOUT_CONFIG].
    terminal.process.send(DOWN * 4 + SPACE + ENTER)
    terminal.answer("inProgressTimeoutInMinutes", "7")

    assert terminal.end() == 0
    configuration = configuration_of((tmp_path / "dev.ini").read_text())
    assert configuration.job.in_progress_timeout_minutes == 7


def test_an_existing_file_keeps_its_comments_and_is_not_replaced_unasked(
    tmp_path: Path, terminals: list[Terminal]
):
    path = tmp_path / "dev.ini"
    text = f"; mine, all mine\n{dev_ini()}"
    path.write_text(text)

    first = Terminal(tmp_path)
    terminals.append(first)
    first.process.expect("Replace dev.ini")  # before any other question
    first.process.send("n")
    assert first.end() == 0
    assert "thingList" not in (first.process.before or "")
    assert path.read_text() == text

    again = Terminal(tmp_path)
    terminals.append(again)
    again.process.expect("Replace dev.ini")
    again.process.send("y")
    again.answer_default_section(jobId="other")
    again.answer("What else")
    assert again.end() == 0
    assert path.read_text() == text.replace("TestJob1234", "other")


def test_another_file_can_be_the_start(tmp_path: Path, terminals: list[Terminal]):
    (tmp_path / "last.ini").write_text(f"# last time\n{dev_ini()}")
    terminal = Terminal(tmp_path, "next.ini", "--from", "last.ini")
    terminals.append(terminal)

    terminal.answer_default_section(jobId="next-job")
    terminal.answer("What else")

    assert terminal.end() == 0
    assert (tmp_path / "next.ini").read_text().startswith("# last time\n")
    assert configuration_of((tmp_path / "next.ini").read_text()).job_id == "next-job"
    assert "next-job" not in (tmp_path / "last.ini").read_text()


def test_ctrl_c_writes_nothing(tmp_path: Path, terminals: list[Terminal]):
    terminal = Terminal(tmp_path)
    terminals.append(terminal)

    terminal.process.expect("thingList")
    terminal.process.send(CTRL_C)

    assert terminal.end() == 130
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in (terminal.process.before or "")


def run_without_terminal(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "otactl", "init", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_without_a_terminal_it_points_at_the_template(tmp_path: Path):
    done = run_without_terminal(tmp_path)

    assert done.returncode == 2
    assert "stdin or stdout is not a terminal" in done.stderr
    assert "otactl config template > dev.ini" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_cannot_be_read_is_told(tmp_path: Path, terminals: list[Terminal]):
    terminal = Terminal(tmp_path, "--from", "lost.ini")
    terminals.append(terminal)

    terminal.process.expect("cannot read lost.ini: there is no such file")
    assert terminal.end() == 2


SIX = {
    "File that lists the things": "things.txt",
    "Firmware image": "fw.bin",
    "Role that AWS IoT": "arn:aws:iam::123456789012:role/ota",
    "S3 bucket": "fw-bucket",
    "AWS region": None,  # as the things say
    "Name of the job": "job-7",
}


def test_six_answers_make_a_file_that_is_valid_lints_clean_and_rehearses(
    tmp_path: Path, terminals: list[Terminal]
):
    arns = "".join(f"arn:aws:iot:us-east-1:123456789012:thing/t{n}\n" for n in range(12))
    (tmp_path / "things.txt").write_text(arns)
    (tmp_path / "fw.bin").write_bytes(b"firmware")
    first = Terminal(tmp_path, full=False)
    terminals.append(first)
    first.answer("File that lists the things", "nothing.txt")
    first.process.expect("cannot read the thing list")
    first.process.send(CLEAR_LINE + "things.txt" + ENTER)
    first.answer("Firmware image", "fw.bin")
    first.answer("Role that AWS IoT", "arn:aws:iam::210987654321:role/ota")
    first.process.expect("the things are of account 123456789012")
    first.process.send(CLEAR_LINE + str(SIX["Role that AWS IoT"]) + ENTER)
    first.process.expect("S3 bucket")
    first.process.send(CTRL_C)
    assert first.end() == 130
    assert not (tmp_path / "dev.ini").exists()

    again = Terminal(tmp_path, full=False)
    terminals.append(again)
    for question in list(SIX)[:3]:
        again.answer(question)  # what was answered before is suggested
    again.answer("S3 bucket", "<")
    again.answer("Role that AWS IoT")
    for question, answer in list(SIX.items())[3:]:
        again.answer(question, answer)

    assert again.end() == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dev.ini", "fw.bin", "things.txt"]
    rehearse = ("rehearse", "--speed", "100", "--max-wait", "7200", "--state-dir", "state")
    for command in (("validate",), ("lint", "--strict"), rehearse):
        ran = run_program(command[0], "dev.ini", *command[1:], env=environment(None), cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "12 of 12" in ran.stdout + ran.stderr
