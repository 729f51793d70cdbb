"""Six answers make a file that is valid and that the linter has nothing to say about."""

from __future__ import annotations

from pathlib import Path

import pytest

from otactl.errors.problem import Severity
from otactl.forecast.lint import lint
from otactl.model.configuration import parse_configuration
from otactl.operations.load import load_deployment
from otactl.operations.short_wizard import QUESTIONS, ShortWizard, short_file

ANSWERS = {
    "thingList": "things.txt",
    "binName": "fw.bin",
    "roleArn": "arn:aws:iam::123456789012:role/ota",
    "bucket": "fw-bucket",
    "region": "us-east-1",
    "jobId": "job-7",
}


class Script:
    """Answers in order; a wrong one is refused as a terminal would, and the next one is given."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.refusals: list[str] = []
        self.defaults: list[str] = []

    def say(self, text: str) -> None:
        """Nobody listens."""

    def text(self, question, *, default, check) -> str:
        self.defaults.append(default)
        while True:
            if not self._answers:
                raise KeyboardInterrupt
            answer = self._answers.pop(0)
            refusal = check(answer)
            if refusal is None:
                return answer
            self.refusals.append(refusal)

    def confirm(self, question, *, default) -> bool:
        return default

    def select(self, question, choices, *, default) -> str:
        return default

    def tick(self, question, options) -> list[str]:
        return []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    arns = "".join(f"arn:aws:iot:us-east-1:123456789012:thing/t{n}\n" for n in range(40))
    (tmp_path / "things.txt").write_text(arns)
    (tmp_path / "fw.bin").write_bytes(b"x" * 5000)
    return tmp_path


@pytest.mark.parametrize(
    "things", [1, 2, 5, 9, 10, 11, 12, 25, 79, 80, 500, 1000, 20_000, 1_000_000]
)
@pytest.mark.parametrize("image_bytes", [1000, 1_000_000, 20_000_000, 24 * 1024 * 1024])
def test_the_linter_has_nothing_to_say_about_the_file(things: int, image_bytes: int) -> None:
    configuration = parse_configuration(
        short_file(ANSWERS, things, image_bytes), file_name="dev.ini"
    ).configuration

    found = lint(configuration, things, image_bytes=image_bytes)
    assert [each for each in found if each.severity is not Severity.NOTE] == []


def test_six_answers_make_a_file_that_can_be_deployed(folder: Path) -> None:
    text = ShortWizard(folder, Script(*ANSWERS.values())).run()

    (folder / "dev.ini").write_text(text)
    configuration = load_deployment(folder / "dev.ini").configuration
    assert configuration.job_id == "job-7"
    assert configuration.job.abort_criteria
    assert configuration.job.in_progress_timeout_minutes is not None
    assert len(text.splitlines()) < 35


def test_files_are_read_as_they_are_named_and_say_what_comes_next(folder: Path) -> None:
    script = Script("nothing.txt", "things.txt", "nothing.bin", *list(ANSWERS.values())[1:])
    ShortWizard(folder, script).run()

    assert len(script.refusals) == 2
    assert "cannot read the thing list" in script.refusals[0]
    assert "cannot read the image" in script.refusals[1]
    assert script.defaults[2] == "arn:aws:iam::123456789012:role/"
    assert script.defaults[4] == "us-east-1"


def test_what_contradicts_the_things_is_refused(folder: Path) -> None:
    answers = list(ANSWERS.values())
    other = "arn:aws:iam::210987654321:role/ota"
    script = Script(*answers[:2], other, *answers[2:4], "eu-west-1", "us-eats-1", *answers[4:])
    ShortWizard(folder, script).run()

    assert script.refusals[0] == "the things are of account 123456789012"
    assert script.refusals[1] == "the things are in us-east-1"
    assert "us-east-1?" in script.refusals[2]


def test_one_may_go_back_and_answer_again(folder: Path) -> None:
    answers = list(ANSWERS.values())
    script = Script(*answers[:3], "wrong-bucket", "<", "fw-bucket", *answers[4:])
    text = ShortWizard(folder, script).run()

    assert "bucket = fw-bucket" in text
    assert script.defaults[5] == "wrong-bucket"  # it was suggested when it was asked again


def test_what_was_answered_before_the_user_stopped_is_kept(folder: Path) -> None:
    answers = list(ANSWERS.values())
    wizard = ShortWizard(folder, Script(*answers[:3]))
    with pytest.raises(KeyboardInterrupt):
        wizard.run()

    assert wizard.answers == dict(zip(list(QUESTIONS)[:3], answers, strict=False))
    again = ShortWizard(folder, Script(*answers), dict(wizard.answers))
    again.run()
    assert again.asker.defaults[:3] == answers[:3]
