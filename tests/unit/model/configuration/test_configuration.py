"""How a file is read as a whole: what counts, what is told, in what order and in which words."""

from __future__ import annotations

import time

import pytest
from tests.support.dev_ini import REQUIRED, configuration_of, dev_ini, found, problems_of, section

from otactl.errors import ConfigurationInvalid
from otactl.model.configuration import check_value, parse_configuration


def test_all_problems_are_told_at_once_in_the_order_of_the_file():
    text = dev_ini(
        section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="0"),
        section("NEVER_HEARD_OF"),
        useTimeoutConfig="True",
        rounds="zero",
        jobId="a b",
    )

    problems = problems_of(text)

    assert [problem.key or problem.section for problem in problems] == [
        "jobId",
        "rounds",
        "inProgressTimeoutInMinutes",
        "NEVER_HEARD_OF",
    ]
    lines = [problem.line or 0 for problem in problems]
    assert lines == sorted(lines)


def test_a_problem_names_the_line_of_its_key():
    text = "# a comment\n\n" + dev_ini(bucket="NO")
    (problem,) = problems_of(text)

    assert text.split("\n")[(problem.line or 0) - 1] == "bucket = NO"
    assert str(problem).startswith(f"dev.ini:{problem.line}: [DEFAULT] bucket: error: must be ")


def test_warnings_alone_do_not_stop_a_deployment():
    loaded = parse_configuration(dev_ini(unheardOf="x"), file_name="dev.ini")

    assert [problem.code for problem in loaded.warnings] == ["unknown-key"]


def test_warnings_come_along_with_errors():
    text = dev_ini(unheardOf="x", jobId="a b")

    assert [problem.code for problem in problems_of(text)] == ["form", "unknown-key"]


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("jobid", "did you mean jobId?"),
        ("thinglist", "did you mean thingList?"),
        ("roundz", "did you mean rounds?"),
        ("inProgressTimeoutInMinutes", "it belongs in [TIMEOUT_CONFIG]"),
        ("xyzzy", "`otactl config explain` lists every key"),
    ],
)
def test_an_unknown_key_is_told_with_the_nearest_name(key: str, hint: str):
    (problem,) = problems_of(dev_ini(**{key: "5"}))

    assert (problem.severity, problem.code, problem.hint) == ("warning", "unknown-key", hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TIMEOUT_CFG", "did you mean [TIMEOUT_CONFIG]?"),
        ("abort_config", "did you mean [ABORT_CONFIG]?"),
        ("xyzzy", None),
    ],
)
def test_an_unknown_section_is_told_with_the_nearest_name(name: str, hint: str | None):
    (problem,) = problems_of(dev_ini(f"[{name}]\n"))

    assert (problem.severity, problem.code, problem.hint) == ("warning", "unknown-section", hint)


def test_keys_are_not_case_folded():
    assert ("error", "DEFAULT", "jobId", "missing-key") in found(dev_ini(jobId=None, JOBID="x"))


@pytest.mark.parametrize("value", ["<yourJobId>", "x-<your id>"])
def test_a_placeholder_of_the_manual_is_told_as_one(value: str):
    (problem,) = problems_of(dev_ini(jobId=value))

    assert problem.code == "placeholder"
    assert "is still to be filled in" in problem.message


@pytest.mark.parametrize("value", ['"thingsList.txt"', "'x'", "\u201cx\u201d"])
def test_quotes_around_a_value_are_told(value: str):
    assert found(dev_ini(thingList=value)) == [("error", "DEFAULT", "thingList", "quotes")]


def test_a_comment_behind_a_value_is_hinted_at():
    (refused,) = problems_of(dev_ini(rounds="1 # one"))
    (warned,) = problems_of(dev_ini(thingList="list.txt ; mine"))

    assert refused.hint == warned.hint == "put a comment on a line of its own"
    assert (refused.severity, warned.severity) == ("error", "warning")


def test_an_indented_key_that_continues_the_value_above_is_told():
    (problem,) = problems_of(dev_ini().replace("\njobId =", "\n  jobId =") + "\njobId = x\n")

    assert (problem.key, problem.code) == ("roleArn", "continued")
    assert "'jobId = TestJob1234'" in problem.message


def test_values_that_escape_a_terminal_are_shown_harmless():
    text = dev_ini("[\x1b[31mred]\n", jobId="\x1b[2Jx", **{"\x1b[0mkey": "1"})

    for problem in problems_of(text):
        assert str(problem).isprintable()


def test_a_long_value_does_not_fill_the_screen():
    (problem,) = problems_of(dev_ini(jobId="x" * 100_000))

    assert len(str(problem)) < 300


def test_more_than_one_round_needs_clean_up():
    assert found(dev_ini(rounds="2", cleanUpCfg="False")) == [
        ("error", "DEFAULT", "rounds", "requires")
    ]
    assert found(dev_ini(rounds="2", cleanUpCfg="True")) == []


def test_a_continuous_job_has_one_round():
    text = dev_ini(rounds="2", cleanUpCfg="True", targetSelection="CONTINUOUS")

    assert found(text) == [("error", "DEFAULT", "targetSelection", "requires")]


def test_a_role_must_be_of_the_regions_partition():
    assert found(dev_ini(region="cn-north-1")) == [("error", "DEFAULT", "roleArn", "partition")]
    chinese = "arn:aws-cn:iam::123456789012:role/stream"
    assert found(dev_ini(region="cn-north-1", roleArn=chinese)) == []


def test_a_wrong_value_does_not_hide_what_another_rule_finds():
    text = dev_ini(rounds="2", cleanUpCfg="False", jobId="a b", defaultDelay="-")

    assert [key for _, _, key, _ in found(text)] == ["jobId", "rounds", "defaultDelay"]


def test_overrides_take_the_place_of_the_files_values():
    text = dev_ini(rounds="nonsense")
    configuration = configuration_of(
        text, overrides={"rounds": "3", "cleanUpCfg": "True", "IMAGE_CONFIG.imageVer": "7"}
    )

    assert (configuration.rounds, configuration.image_version) == (3, "7")


def test_an_override_is_checked_as_the_file_is():
    (problem,) = problems_of(dev_ini(), overrides={"rounds": "2"})

    assert (problem.key, problem.code, problem.line) == ("rounds", "requires", None)


def test_the_text_stays_at_hand_to_be_changed():
    text = "; mine\n" + dev_ini()

    assert parse_configuration(text, file_name="dev.ini").ini.text == text


def test_account_and_stream_name_come_from_the_values():
    configuration = configuration_of(dev_ini())

    assert configuration.account == "123456789012"
    assert configuration.stream_name(35) == "TestStream1234_35"


@pytest.mark.parametrize("text", ["\0\1\2", "[DEFAULT]\nrounds = 1\0\n"])
def test_a_binary_file_is_one_problem(text: str):
    assert [code for *_, code in found(text)] == ["not-text"]


def test_a_huge_file_is_one_problem():
    assert [code for *_, code in found("x" * 2_000_000)] == ["too-large"]


@pytest.mark.parametrize(
    "lines",
    [
        ("key{} = x\n", "[DEFAULT]\n"),
        ("[S{}]\n", ""),
        ("t{} = x\n", "[TAGS]\n"),
        ("t{} *= x\n", "[TAGS]\n"),
        ("waive_{} = x\n", "[LINT_CONFIG]\n"),
        ("rounds = {}\n", "[DEFAULT]\n"),
        ("junk {}\n", "[DEFAULT]\n"),
        (" {}\n", "[DEFAULT]\nthingList = x\n"),
        ("<{}", "[DEFAULT]\njobId = "),
        ("a{},", "[ALARM_CONFIG]\nalarmList = "),
    ],
)
def test_a_hostile_file_takes_neither_the_time_nor_the_screen(lines: tuple[str, str]):
    line, head = lines
    text = (head + "".join(line.format(number) for number in range(60_000)))[:1_000_000]

    begun = time.process_time()
    problems = problems_of(text)

    assert len(problems) < 60
    # A second at most; what grew with the square of the lines would take minutes.
    assert time.process_time() - begun < 20


def test_a_file_without_sections_is_one_problem():
    with pytest.raises(ConfigurationInvalid) as caught:
        parse_configuration("a = b\nc = d\n", file_name="dev.ini")

    assert [problem.code for problem in caught.value.problems] == ["no-section"]


def test_an_empty_file_misses_its_section():
    assert found("") == [("error", "DEFAULT", "", "missing-section")]


class TestCheckValue:
    def test_one_value_is_checked_by_itself(self):
        finding = check_value("DEFAULT", "rounds", "0")

        assert finding is not None
        assert finding.message == "must be a whole number from 1 to 10000, found '0'"
        assert check_value("DEFAULT", "rounds", "1") is None

    def test_a_required_value_cannot_be_empty(self):
        assert check_value("DEFAULT", "jobId", "") is not None
        assert check_value("DEFAULT", "rounds", "") is None

    def test_sections_of_a_family_are_known(self):
        assert check_value("ALARM_CONFIG_Any", "period", "61") is not None

    def test_unknown_keys_are_nobodys_business(self):
        assert check_value("DEFAULT", "x", "") is None
        assert check_value("X", "x", "") is None
        assert check_value("TAGS", "x", "") is None


def test_every_required_key_is_in_the_shortest_valid_file():
    assert found(section("DEFAULT", **REQUIRED)) == []
