"""The wizard with somebody answering from a script: what is asked, and what is written."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from tests.support.dev_ini import FULL, REQUIRED, configuration_of, dev_ini, rendered, section

from otactl.model.configuration.catalogue import render_template
from otactl.model.ini import read_ini
from otactl.operations.wizard import Option, Wizard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class Script:
    """An Asker that knows its answers; what it does not know it takes as suggested.

    Attributes:
        answers: By question; several for a question that is asked again.
        asked: Every question, in order.
        refused: Answers that ``check`` did not take, with the reason.
    """

    answers: dict[str, object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def _answer(self, question: str, default: object) -> object:
        self.asked.append(question)
        answer = self.answers.get(question, default)
        if isinstance(answer, deque):
            return answer.popleft() if answer else default
        return answer

    def say(self, text: str) -> None:
        self.said.append(text)

    def text(self, question: str, *, default: str, check: Callable[[str], str | None]) -> str:
        answer = str(self._answer(question, default))
        while (reason := check(answer)) is not None:
            self.refused.append(f"{question} = {answer}: {reason}")
            answer = str(self._answer(question, default))
        return answer

    def confirm(self, question: str, *, default: bool) -> bool:
        return bool(self._answer(question, default))

    def select(self, question: str, choices: Sequence[str], *, default: str) -> str:
        answer = str(self._answer(question, default))
        assert answer in choices
        return answer

    def tick(self, question: str, options: Sequence[Option]) -> list[str]:
        ticked = [option.value for option in options if option.is_on]
        return list(self._answer(question, ticked))  # type: ignore[call-overload]


OWN = {"roleArn": REQUIRED["roleArn"], "jobId": "job", "bucket": "bucket", "streamId": "stream"}
MORE = "What else is to be set?"


def walk(text: str, **answers: object) -> tuple[str, Script]:
    script = Script(answers={name.replace("__", " "): answer for name, answer in answers.items()})
    return Wizard(read_ini(text), script).run().text, script


def test_the_template_and_four_answers_make_a_valid_file():
    text, script = walk(render_template(), **OWN)

    assert configuration_of(text).job_id == "job"
    assert {"thingList", "binName", "rounds", "targetSelection"} < set(script.asked)
    assert text.count("#") == render_template().count("#")


def test_taking_every_suggestion_leaves_a_valid_file_as_it_was():
    for text in (dev_ini(), "\n".join(rendered(FULL))):
        assert walk(text)[0] == text


def test_a_key_left_out_of_a_section_stays_out():
    schedule = section("SCHEDULING_CONFIG", startTime="2027-03-01 02:00")
    text = dev_ini(schedule, useSchedulingConfig="True")

    assert walk(text)[0] == text


def test_comments_and_other_lines_stay():
    text = f"; mine\n{dev_ini()}\n# the end\n"

    assert walk(text, jobId="other")[0] == text.replace("TestJob1234", "other")


def test_a_wrong_answer_is_told_why_and_asked_again():
    text, script = walk(dev_ini(), jobId=deque(["a b", "ab"]))

    assert configuration_of(text).job_id == "ab"
    assert script.refused == ["jobId = a b: must be 1 to 64 letters, digits, _ or -, found 'a b'"]


def test_a_placeholder_is_never_suggested():
    _, script = walk(render_template(), **OWN)

    assert script.refused == []


def test_ticked_sections_are_switched_on_and_asked_for():
    ticked = ["TIMEOUT_CONFIG", "ABORT_CONFIG", "JOB_EXECUTE_ROLLOUT_CONFIG", "IMAGE_CONFIG"]
    script = Script(answers={**OWN, MORE: ticked, "inProgressTimeoutInMinutes": "7"})
    text = Wizard(read_ini(render_template()), script).run().text

    configuration = configuration_of(text)
    assert configuration.job.in_progress_timeout_minutes == 7
    assert len(configuration.job.abort_criteria) == 1
    assert configuration.job.rollout is not None
    assert configuration.job.rollout.exponential_rate is not None
    assert configuration.image_version == "1.0.0"
    # useAllSubsection is on, so the other types are not asked for.
    assert "useFailedSubsection" not in script.asked


def test_sections_that_are_not_ticked_are_switched_off():
    # Without a signature nothing can be written for the agents, nor by URL without one.
    script = Script(answers={MORE: [], "documentFormat": "otactl", "protocols": "MQTT"})
    text = Wizard(read_ini("\n".join(rendered(FULL))), script).run().text

    configuration = configuration_of(text)
    assert configuration.job.rollout is None
    assert configuration.alarms == ()
    assert configuration.signing is None


def test_each_listed_alarm_is_asked_for():
    script = Script(
        answers={
            **OWN,
            MORE: ["ALARM_CONFIG"],
            "alarmList": "Slow, Fast",
            "alarmType": deque(["upper", "lower"]),
            "snsTopics": "arn:aws:sns:us-east-1:123456789012:t",
        }
    )
    text = Wizard(read_ini(render_template()), script).run().text

    alarms = configuration_of(text).alarms
    assert [(alarm.name, alarm.alarm_type.value) for alarm in alarms] == [
        ("Slow", "upper"),
        ("Fast", "lower"),
    ]


def test_what_two_keys_require_of_each_other_is_mended_at_the_end():
    script = Script(
        answers={
            "rounds": deque(["3"]),
            "cleanUpCfg": deque([False, True]),
            "What now?": deque(["change another key"]),
            "Which key?": "DEFAULT.cleanUpCfg",
        }
    )
    text = Wizard(read_ini(dev_ini()), script).run().text

    configuration = configuration_of(text)
    assert (configuration.rounds, configuration.clean_up) == (3, True)
    assert any("need cleanUpCfg = True" in line for line in script.said)


def test_a_file_can_be_written_although_it_is_wrong():
    script = Script(answers={"rounds": "3", "What now?": "write the file as it is"})
    text = Wizard(read_ini(dev_ini()), script).run().text

    assert "rounds = 3" in text


def test_a_problem_without_key_can_be_left():
    broken = dev_ini("[TAGS]\n" + "\n".join(f"t{n} = x" for n in range(51)))
    script = Script(answers={"What now?": "write the file as it is"})

    assert Wizard(read_ini(broken), script).run().text == broken


@pytest.mark.parametrize("value", ["None", ""])
def test_an_optional_value_can_be_taken_away(value: str):
    document = section(
        "CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="url", jobDocSrcUrl="s3://bbb/k", jobDocPath="x"
    )
    text, _ = walk(dev_ini(document, useCustomJobDocument="True"), jobDocPath=value)

    assert "jobDocPath = None" in text
