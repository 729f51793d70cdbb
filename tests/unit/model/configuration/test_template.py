"""The template knows every key, and works as soon as its placeholders are filled in."""

from __future__ import annotations

import re

import pytest
from tests.support.dev_ini import REQUIRED, configuration_of, found

from otactl.model.configuration.catalogue import all_keys, render_template
from otactl.model.configuration.sections import DEFAULT, SECTIONS

FILLED = (
    render_template()
    .replace("arn:aws:iam::<your_account>:role/<your_role>", REQUIRED["roleArn"])
    .replace("arn:aws:iam::<your_account>:role/<your_signing_role>", REQUIRED["roleArn"])
    .replace("arn:aws:sns:<region>:<aws-account-id>", "arn:aws:sns:us-east-1:123456789012")
    .replace("<yourJobId>", "job")
    .replace("<your-bucket>", "bucket")
    .replace("<yourStreamId>", "stream")
)
SWITCHES = [spec.switch.key for spec in SECTIONS if spec.switch and spec.switch.section == DEFAULT]


def test_what_only_the_user_knows_is_a_placeholder():
    assert {code for *_, code in found(render_template())} == {"placeholder"}


def test_filled_in_it_is_valid():
    assert found(FILLED) == []


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_section_is_valid_when_it_is_switched_on(switch: str):
    wanted = {switch, "useTimeoutConfig"} if switch == "useWaveConfig" else {switch}
    text = FILLED
    for each in wanted:
        text = text.replace(f"{each} = False", f"{each} = True")

    assert found(text) == []


def test_commented_sections_are_valid_when_they_are_wanted():
    wanted = re.sub(r"^#(?! )", "", FILLED, flags=re.MULTILINE)

    configuration = configuration_of(wanted)
    assert [alarm.name for alarm in configuration.alarms] == ["DownloadTimeUpperLimitAlarm"]
    assert configuration.tags == {"team": "firmware-team"}
    assert configuration.include_sha256 is True


def test_every_key_stands_in_it_with_its_explanation():
    text = re.sub(r"\n# ", " ", render_template())

    for key in all_keys():
        if "<" not in key.name:
            assert re.search(rf"^#?{key.name} =", text, re.MULTILINE), key.full_name
        assert key.about in text, key.full_name


def test_no_line_is_wider_than_a_terminal():
    assert max(map(len, render_template().splitlines())) <= 100
