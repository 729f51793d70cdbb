"""Whatever a file holds: no traceback, and nothing AWS would refuse gets through.

Whole files are made by breaking and bending a valid one that has every section, and out of mere
text. What is accepted is sent by otactl's own AWS classes to clients that validate like botocore
and answer themselves; ``tests/support/aws_oracle.py`` looks at the requests.

The long series (10,000 files) runs with `make test-all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.support.aws_oracle import Recorder, ask_for_everything
from tests.support.dev_ini import FULL, FULL_WITH_WAVES, rendered

from otactl.aws.jobs import IotJobs
from otactl.deploy.ports import CreateJobRequest
from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Severity
from otactl.model.configuration import check_value, parse_configuration
from otactl.model.configuration.catalogue import all_keys, find_keys
from otactl.model.configuration.sections import find_section
from otactl.model.job_configuration import JobConfiguration
from otactl.model.thing_list import parse_thing_list

if TYPE_CHECKING:
    from collections.abc import Callable

    from otactl.errors.problem import Problem
    from otactl.model.configuration import LoadedConfiguration
    from otactl.model.configuration.catalogue import Key
    from otactl.model.thing_list import ThingList

QUICK = 300
LONG = 10_000

THING = "arn:aws:iot:us-east-1:123456789012:thing/t"

# Every value that stands somewhere is tried everywhere, beside the numbers at which limits lie.
_known = st.sampled_from(
    sorted({value for keys in FULL_WITH_WAVES.values() for value in keys.values()})
)
_NUMBERS = """
0 1 2 9 10 11 30 59 60 61 99 100 101 1000 1001 1430 1431 3600 3601 8640 10080 10081 86400 604800
2147483647 2147483648 0.0 0.01 0.1 1.0 1.1 1.10 1.15 1.55 5.0 5.1 10.999 99.99 100.0
-1 -0 +1 1e3 1E1 nan inf -inf 0x1 1_0 007 .5 5. 1,5
"""
_number = st.sampled_from(_NUMBERS.split())
_nasty = st.sampled_from(
    [
        *("", "None", "none", "TRUE", "no", '"x"', "<x>", "x # y", "%(x)s", "{message}", "[x]"),
        *(
            "\x1b[31m",
            "\u202e",
            "é",
            "\uff11",
            "a\n b",
            "x" * 65,
            "x" * 129,
            "9" * 5000,
            "=",
            "None,",
        ),
        *(
            "p0",
            "p100",
            "p99.999",
            "IQM",
            "Sum",
            "20",
            "3540",
            "aws:x",
            "a,b,c",
            ",",
            "Upper,Upper",
        ),
        *("2027-03-01 02:10", "2029-03-01 02:00", "2027-02-30 00:00", "9999-12-31 23:59"),
        *("arn:aws-cn:iam::123456789012:role/a", "arn:aws:iam::210987654321:role/a"),
        *("s3://bucket/key", "url", "SNAPSHOT", "cron(0 2 * * *)", "eu-west-1", "cn-north-1"),
    ]
)
values = st.one_of(_known, _number, _nasty, st.text(max_size=12))
_section_names = st.sampled_from(sorted(FULL_WITH_WAVES))
_key_names = st.sampled_from(sorted({key for keys in FULL_WITH_WAVES.values() for key in keys}))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A valid file that has been tampered with, in a few places or in none."""
    full = draw(st.sampled_from([FULL, FULL_WITH_WAVES]))
    sections = {name: dict(keys) for name, keys in full.items()}
    for _ in range(draw(st.integers(0, 6))):
        name = draw(_section_names)
        keys = sections.setdefault(name, {})
        match draw(
            st.sampled_from(["change", "change", "change", "switch", "drop", "add", "lose"])
        ):
            case "change" if keys:
                keys[draw(st.sampled_from(sorted(keys)))] = draw(values)
            case "switch":
                switches = [key for key in keys if key.startswith("use")]
                if switches:
                    keys[draw(st.sampled_from(switches))] = draw(st.sampled_from(["True", "False"]))
            case "drop" if keys:
                del keys[draw(st.sampled_from(sorted(keys)))]
            case "add":
                keys[draw(_key_names)] = draw(values)
            case "lose":
                del sections[name]
            case _:
                pass
    lines = rendered(sections)
    for _ in range(draw(st.integers(0, 1)) * draw(st.integers(0, 3))):
        location = draw(st.integers(0, len(lines)))
        lines.insert(location, draw(st.one_of(st.text(max_size=12), st.just("[DEFAULT]"), values)))
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join(lines)


def reading_of(text: str) -> tuple[LoadedConfiguration | None, tuple[Problem, ...]]:
    """What was read of a text, and what it was told."""
    try:
        loaded = parse_configuration(text, file_name="dev.ini", base_dir="/srv")
    except ConfigurationInvalid as error:
        return None, error.problems
    return loaded, loaded.warnings


def check_file(text: str, recorder: Recorder) -> bool:
    """Read a text; True when it was accepted, and then nothing of it may be refused."""
    loaded, problems = reading_of(text)
    assert all(problem.code and str(problem).isprintable() for problem in problems)
    is_refused = any(problem.severity is Severity.ERROR for problem in problems)
    assert is_refused == (loaded is None)
    if loaded is None:
        return False
    ask_for_everything(loaded.configuration, recorder)
    assert recorder.faults() == []
    return True


def many(count: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )


def _as_text(content: bytes) -> str:
    return content.decode("latin-1")


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder()


def test_the_full_file_is_accepted_and_has_every_section(recorder: Recorder):
    specs = [find_section(name) for name in FULL_WITH_WAVES]

    assert check_file("\n".join(rendered(FULL)), recorder)
    assert check_file("\n".join(rendered(FULL_WITH_WAVES)), recorder)
    assert {key.section for key in all_keys()} == {spec.name for spec in specs if spec}


def test_the_oracle_sees_what_aws_refuses(recorder: Recorder):
    loaded, _ = reading_of("\n".join(rendered(FULL)))
    assert loaded is not None
    rollout = loaded.configuration.job.rollout
    assert rollout is not None
    assert rollout.exponential_rate is not None
    # A value that got past every check, as a fault of ours would let it.
    object.__setattr__(rollout.exponential_rate, "increment_factor", 1.55)

    ask_for_everything(loaded.configuration, recorder)

    assert recorder.faults() == ["CreateJob incrementFactor 1.55"]


@given(text=files())
@many(QUICK)
def test_a_bent_file_is_refused_or_right(recorder: Recorder, text: str):
    check_file(text, recorder)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@given(text=files())
@many(LONG)
def test_ten_thousand_bent_files_are_refused_or_right(recorder: Recorder, text: str):
    check_file(text, recorder)


@given(text=st.one_of(st.text(max_size=200), st.binary(max_size=200).map(_as_text)))
@many(QUICK)
def test_mere_text_is_refused(recorder: Recorder, text: str):
    assert not check_file(text, recorder)


# [ABORT_CONFIG_TYPE_ALL] does not count in the full file, and the user's own keys have no kind.
_checked_keys = [
    key for key in all_keys() if "<" not in key.name and key.section != "ABORT_CONFIG_TYPE_ALL"
]


@given(key=st.sampled_from(_checked_keys), text=values.map(str.strip))
@example(key=find_keys("ABORT_CONFIG_TYPE_REJECTED.failureType")[0], text="FAILED")
@example(key=find_keys("EXP_RATE_CONFIG.useRateIncreaseCriteria")[0], text="False")
@example(key=find_keys("EXP_RATE_CONFIG.useRateIncreaseCriteria")[0], text="")
@many(QUICK)
def test_a_value_is_checked_alone_as_it_is_in_the_file(key: Key, text: str):
    """The wizard, which asks for one value after the other, is as strict as the file."""
    assume(not set(text) & set("\n\r\0"))
    members = {"<alarm_name>": "Upper", "<window_name>": "Night", "<wave_name>": "canary"}
    section = key.section
    for placeholder, name in members.items():
        section = section.replace(placeholder, name)
    full = (
        FULL_WITH_WAVES
        if section.startswith(("WAVE", "VERIFY", "ELIGIBILITY", "ROLLBACK"))
        else FULL
    )
    changed = full | {section: {**full[section], key.name: text}}

    alone = check_value(section, key.name, text)
    _, problems = reading_of("\n".join(rendered(changed)))

    in_file = [problem.message for problem in problems if problem.key == key.name]
    if alone is None:
        assert "must be True: the service wants a criterion" not in " ".join(in_file)
        assert not any(message.startswith(f"must be {key.allowed},") for message in in_file)
    elif alone.code != "missing-key":
        assert alone.message in in_file


_list_line = st.one_of(
    st.sampled_from([THING, THING + "2", THING.replace("thing/", "thinggroup/"), "", "# x", "t"]),
    st.text(max_size=20),
    st.builds(
        "arn:aws:iot:{}:{}:{}/{}".format,
        st.sampled_from(["us-east-1", "eu-west-1", "", "x"]),
        st.sampled_from(["123456789012", "1", "", "12345678901\u0662"]),
        st.sampled_from(["thing", "thinggroup", "job", ""]),
        st.text(st.characters(codec="ascii"), max_size=5),
    ),
)


def list_of(lines: list[str]) -> tuple[ThingList | None, tuple[Problem, ...]]:
    """What was read of a thing list, and what it was told."""
    try:
        thing_list = parse_thing_list(
            lines, file_name="list.txt", region="us-east-1", account="123456789012"
        )
    except ConfigurationInvalid as error:
        return None, error.problems
    return thing_list, thing_list.warnings


def check_list(lines: list[str], recorder: Recorder) -> None:
    """Read a list; what is accepted must be right."""
    thing_list, problems = list_of(lines)
    assert all(problem.code and str(problem).isprintable() for problem in problems)
    if thing_list is None:
        assert problems
        return
    targets = (*thing_list.things, *thing_list.groups)
    assert 0 < len(targets) == len(set(targets)) <= len(lines)
    IotJobs(recorder.clients).create(
        CreateJobRequest(
            job_id="job",
            targets=targets[:100],
            document="{}",
            description="otactl",
            configuration=JobConfiguration(),
        )
    )
    assert recorder.faults() == []


@given(lines=st.lists(_list_line, max_size=30))
@many(QUICK)
def test_a_thing_list_is_refused_or_right(recorder: Recorder, lines: list[str]):
    check_list(lines, recorder)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@given(lines=st.lists(_list_line, max_size=30))
@many(LONG)
def test_ten_thousand_thing_lists_are_refused_or_right(recorder: Recorder, lines: list[str]):
    check_list(lines, recorder)
