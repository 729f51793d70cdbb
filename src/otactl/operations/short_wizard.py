"""The short wizard: six questions; the rest is derived or preset safely.

The stream is named after the job. Rollout, abort criterion and timeout are those that the linter
calls safe for a fleet of this size, so that it finds nothing in the file. Files are read when they
are named. ``<`` goes back one question; the answers are kept if the user stops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from otactl.errors import LocalResourceMissing
from otactl.errors.problem import Problem, Severity
from otactl.forecast.lint import lint
from otactl.model.arn import partition_of
from otactl.model.configuration import check_value, parse_configuration
from otactl.model.thing_list import ThingList
from otactl.operations.named_files import check_image, read_thing_list
from otactl.operations.text_file import read_text
from otactl.operations.wizard import Asker

BACK = "<"
#: Key of [DEFAULT], and the question.
QUESTIONS = {
    "thingList": "File that lists the things to update",
    "binName": "Firmware image",
    "roleArn": "Role that AWS IoT reads the image with",
    "bucket": "S3 bucket for the image",
    "region": "AWS region",
    "jobId": "Name of the job",
}
#: The assumed number of things of a list with groups.
_UNKNOWN_THINGS = 1000
_MOST_ANSWERED = 64 * 1024
_SAFE = re.compile(r"(\w+) = (\d+)")


@dataclass
class ShortWizard:
    """Asks the six questions once.

    Attributes:
        folder: Where the file will be; paths are relative to it.
        asker: Shows the questions to the user.
        answers: The answers so far, by key; at the start those of an interrupted wizard.
    """

    folder: Path
    asker: Asker
    answers: dict[str, str] = field(default_factory=dict)
    _list: ThingList | None = None

    def run(self) -> str:
        """Ask the questions. Returns the text of the file."""
        self.asker.say(f"Six questions. {BACK} goes back one.")
        keys, at = list(QUESTIONS), 0
        while at < len(keys):
            answer = self._ask(keys[at]).strip()
            if answer == BACK:
                at = max(0, at - 1)
                continue
            self.answers[keys[at]] = answer
            at += 1
        return self._text()

    def _ask(self, key: str) -> str:
        default = self.answers.get(key) or self._suggested(key)
        return self.asker.text(
            QUESTIONS[key], default=default, check=lambda answer: self._refusal(key, answer.strip())
        )

    def _region_and_account(self) -> tuple[str, str]:
        """The region and account of the thing list; empty if it is unknown or has no targets."""
        target = next(iter((*self._list.things, *self._list.groups)), "") if self._list else ""
        region, account = target.split(":")[3:5] if target else ("", "")
        return region, account

    def _suggested(self, key: str) -> str:
        region, account = self._region_and_account()
        if key == "region":
            return region
        if key == "roleArn" and account:
            return f"arn:{partition_of(region)}:iam::{account}:role/"
        return ""

    def _refusal(self, key: str, answer: str) -> str | None:
        """Why an answer is not accepted; files that it names are read."""
        if answer == BACK:
            return None
        found = check_value("DEFAULT", key, answer) if answer else None
        if found is not None:
            return f"{found.message} ({found.hint})" if found.hint else found.message
        if not answer:
            return "an answer is needed"
        problems: list[Problem] = []
        nowhere = Problem(message="")
        if key == "thingList":
            self._list, problems = read_thing_list(
                self.folder / answer, nowhere, region=None, account=None
            )
        elif key == "binName":
            problems = check_image(self.folder / answer, nowhere, streamed=True)
        elif key in ("region", "roleArn"):
            return self._contradiction(key, answer)
        errors = [problem for problem in problems if problem.severity is Severity.ERROR]
        return str(errors[0]) if errors else None

    def _contradiction(self, key: str, answer: str) -> str | None:
        region, account = self._region_and_account()
        if region and key == "region" and answer != region:
            return f"the things are in {region}"
        if account and key == "roleArn" and answer.split(":")[4] != account:
            return f"the things are of account {account}"
        return None

    def _text(self) -> str:
        things = _UNKNOWN_THINGS
        if self._list is not None and not self._list.groups:
            things = len(self._list.things)
        size = (self.folder / self.answers["binName"]).stat().st_size
        return short_file(self.answers, things, size)


def kept_answers(path: Path) -> dict[str, str]:
    """The answers from before Ctrl-C; empty if the file is missing or damaged."""
    try:
        found = json.loads(read_text(path, limit=_MOST_ANSWERED))
    except (LocalResourceMissing, ValueError):
        return {}
    answers = found if isinstance(found, dict) else {}
    return {key: answers[key] for key in QUESTIONS if isinstance(answers.get(key), str)}


def short_file(answers: Mapping[str, str], things: int, image_bytes: int) -> str:
    """A file of six answers, with the policy that the linter calls safe."""
    plain = {**answers, "streamId": answers["jobId"][:100]}
    preset: dict[str, str] = {}
    # A safe value may depend on other values: lint again until nothing changes.
    for _ in range(5):
        text = _rendered(plain, preset, things)
        configuration = parse_configuration(text, file_name="dev.ini").configuration
        found = [
            finding
            for finding in lint(configuration, things, image_bytes=image_bytes)
            if finding.severity is not Severity.NOTE
        ]
        fixes = {key: value for each in found for key, value in _SAFE.findall(each.safe)}
        if not fixes or fixes.items() <= preset.items():
            return text
        preset |= fixes
    return text


def _rendered(answers: Mapping[str, str], preset: Mapping[str, str], things: int) -> str:
    lines = [
        f"; Made by `otactl init` for {things:,} things. `otactl config explain KEY` says what a",
        "; key means, `otactl rehearse FILE` tries it on this machine.",
        "",
        "[DEFAULT]",
        *(f"{key} = {value}" for key, value in answers.items()),
    ]
    rate, timeout = preset.get("maximumPerMinute"), preset.get("inProgressTimeoutInMinutes")
    threshold = preset.get("thresholdPercentage")
    switches = {
        "useJobExecutionsRolloutConfig": rate,
        "useAbortConfig": threshold,
        "useTimeoutConfig": timeout,
    }
    lines += [f"{switch} = True" for switch, is_on in switches.items() if is_on]
    if rate:
        lines += ["", "[JOB_EXECUTE_ROLLOUT_CONFIG]", f"maximumPerMinute = {rate}"]
        lines += ["useExponentialRateCfg = False"]
    if threshold:
        lines += ["", "[ABORT_CONFIG]", "useAllSubsection = True", "", "[ABORT_CONFIG_TYPE_ALL]"]
        lines += ["failureType = ALL", f"thresholdPercentage = {threshold}"]
        lines += [f"minNumberOfExecutedThings = {preset['minNumberOfExecutedThings']}"]
    if timeout:
        lines += ["", "[TIMEOUT_CONFIG]", f"inProgressTimeoutInMinutes = {timeout}"]
    return "\n".join(lines) + "\n"
