"""The keys of [DEFAULT]: what each becomes, what it takes, and what it is when left out."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import REQUIRED, configuration_of, dev_ini, found, problems_of, section

from otactl.model.status import TargetSelection


def test_thing_list_counts_from_the_folder_of_the_file():
    text = dev_ini(thingList="lists/my things.txt")

    assert configuration_of(text, base_dir="/srv/ota").thing_list == "/srv/ota/lists/my things.txt"


def test_an_absolute_thing_list_stays_where_it_is():
    assert configuration_of(dev_ini(thingList="/a/b.txt"), base_dir="/srv").thing_list == "/a/b.txt"


def test_bin_name_counts_from_the_folder_of_the_file():
    assert configuration_of(dev_ini(binName="fw 1.bin"), base_dir="/srv").image == "/srv/fw 1.bin"


def test_bin_name_that_no_file_system_takes_is_refused():
    assert found(dev_ini(binName="x" * 256)) == [("error", "DEFAULT", "binName", "form")]


def test_role_arn_must_be_the_arn_of_a_role():
    assert configuration_of(dev_ini()).role_arn == REQUIRED["roleArn"]
    assert found(dev_ini(roleArn="arn:aws:iam::123456789012:user/me")) == [
        ("error", "DEFAULT", "roleArn", "form")
    ]


def test_role_arn_with_a_short_account_id_is_told_why():
    (problem,) = problems_of(dev_ini(roleArn="arn:aws:iam::12345678:role/your_role"))

    assert problem.hint == "an account id has 12 digits, this one has 8 characters"


@pytest.mark.parametrize("job_id", ["a", "A_z-9", "x" * 64])
def test_job_id_takes_what_create_job_takes(job_id: str):
    assert configuration_of(dev_ini(jobId=job_id)).job_id == job_id


@pytest.mark.parametrize("job_id", ["a:b", "a.b", "x" * 65, "a b", "jöb"])
def test_job_id_refuses_what_create_job_refuses(job_id: str):
    assert found(dev_ini(jobId=job_id)) == [("error", "DEFAULT", "jobId", "form")]


def test_rounds_is_one_when_left_out():
    assert configuration_of(dev_ini()).rounds == 1
    assert configuration_of(dev_ini(rounds="34", cleanUpCfg="True")).rounds == 34


@pytest.mark.parametrize(
    "rounds", ["0", "-1", "10001", "1.5", "1e3", "nan", "\uff11\uff12", "0x10", "1_0"]
)
def test_rounds_takes_whole_numbers_only(rounds: str):
    assert [key for _, _, key, _ in found(dev_ini(rounds=rounds, cleanUpCfg="True"))] == ["rounds"]


def test_bucket_follows_the_naming_rules_of_s3():
    assert configuration_of(dev_ini(bucket="iot-ota.bucket")).bucket == "iot-ota.bucket"
    assert found(dev_ini(bucket="My_Bucket")) == [("error", "DEFAULT", "bucket", "form")]


@pytest.mark.parametrize(
    ("text", "clean_up"),
    [("True", True), ("true", True), ("TRUE", True), ("False", False), ("no", False), ("1", True)],
)
def test_clean_up_cfg_is_read_in_any_case(text: str, clean_up: bool):  # noqa: FBT001  # a case
    assert configuration_of(dev_ini(cleanUpCfg=text)).clean_up is clean_up


def test_clean_up_cfg_left_out_deletes_nothing():
    assert configuration_of(dev_ini()).clean_up is False


def test_clean_up_cfg_is_nothing_but_true_or_false():
    assert found(dev_ini(cleanUpCfg="maybe")) == [("error", "DEFAULT", "cleanUpCfg", "switch")]


def test_abort_wait_minutes_follows_the_timeout():
    def minutes(text: str) -> int:
        return configuration_of(text).abort_wait_minutes

    timeout = "\n[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = 60\n"
    assert minutes(dev_ini(cleanUpCfg="True")) == 15
    assert minutes(dev_ini(cleanUpCfg="True", useTimeoutConfig="True") + timeout) == 60
    assert minutes(dev_ini(cleanUpCfg="False")) == 0
    assert minutes(dev_ini(cleanUpCfg="False", abortWaitMinutes="5")) == 5
    assert minutes(dev_ini(cleanUpCfg="True", abortWaitMinutes="0")) == 0
    assert found(dev_ini(abortWaitMinutes="10081")) == [
        ("error", "DEFAULT", "abortWaitMinutes", "range")
    ]


def test_debug_is_off_when_left_out():
    assert configuration_of(dev_ini()).debug is False
    assert configuration_of(dev_ini(debug="True")).debug is True


def test_default_delay_is_seconds():
    assert configuration_of(dev_ini()).default_delay_seconds == 5
    assert configuration_of(dev_ini(defaultDelay="0")).default_delay_seconds == 0
    assert found(dev_ini(defaultDelay="86401")) == [("error", "DEFAULT", "defaultDelay", "range")]


def test_region_has_the_form_of_a_region():
    assert configuration_of(dev_ini(region="eu-central-1")).region == "eu-central-1"
    assert found(dev_ini(region="Frankfurt")) == [("error", "DEFAULT", "region", "form")]


def test_stream_id_leaves_room_for_the_file_id():
    longest = "s" * 124

    assert configuration_of(dev_ini(streamId=longest)).stream_name(255) == longest + "_255"
    assert found(dev_ini(streamId="s" * 125)) == [("error", "DEFAULT", "streamId", "form")]


def test_stream_id_too_long_for_aws_own_library_is_warned_about():
    assert found(dev_ini(streamId="s" * 40)) == []
    assert found(dev_ini(streamId="s" * 41)) == [
        ("warning", "DEFAULT", "streamId", "long-stream-id")
    ]


def test_iot_api_sleep_time_is_milliseconds():
    assert configuration_of(dev_ini()).api_sleep_ms == 50
    assert configuration_of(dev_ini(iotApiSleepTime="0")).api_sleep_ms == 0
    assert found(dev_ini(iotApiSleepTime="60001")) == [
        ("error", "DEFAULT", "iotApiSleepTime", "range")
    ]


@pytest.mark.parametrize("spelling", ["fileChunkSize", "fileChunckSize"])
def test_file_chunk_size_is_read_in_both_spellings_of_the_manual(spelling: str):
    assert configuration_of(dev_ini(**{spelling: "4096"})).chunk_size_bytes == 4096


def test_file_chunk_size_in_both_spellings_at_once_is_refused():
    text = dev_ini(fileChunkSize="4096", fileChunckSize="4096")

    assert [code for _, _, _, code in found(text)] == ["duplicate-key"]


def test_file_chunk_size_misspelt_and_wrong_is_told_as_it_was_spelt():
    assert found(dev_ini(fileChunckSize="0")) == [("error", "DEFAULT", "fileChunckSize", "range")]


def test_target_selection_is_spelt_as_aws_spells_it():
    assert configuration_of(dev_ini()).job.target_selection is TargetSelection.SNAPSHOT
    continuous = configuration_of(dev_ini(targetSelection="CONTINUOUS"))
    assert continuous.job.target_selection is TargetSelection.CONTINUOUS

    (problem,) = problems_of(dev_ini(targetSelection="snapshot"))
    assert (problem.code, problem.hint) == ("choice", "write SNAPSHOT")


@pytest.mark.parametrize(
    ("switch", "name"),
    [
        ("useCustomJobDocument", "CUSTOM_JOB_DOCUMENT"),
        ("usePresignedUrlConfig", "PRESIGNED_URL_CONFIG"),
        ("useJobExecutionsRolloutConfig", "JOB_EXECUTE_ROLLOUT_CONFIG"),
        ("useAbortConfig", "ABORT_CONFIG"),
        ("useTimeoutConfig", "TIMEOUT_CONFIG"),
        ("useRetryConfig", "RETRY_CONFIG"),
        ("useSchedulingConfig", "SCHEDULING_CONFIG"),
        ("useSigningConfig", "SIGNING_CONFIG"),
    ],
)
def test_a_switch_decides_whether_its_section_counts(switch: str, name: str):
    nonsense = section(name, unheardOf="x")

    assert found(dev_ini(nonsense, **{switch: "False"})) == []
    assert found(dev_ini(nonsense)) == []
    assert "unknown-key" in [code for *_, code in found(dev_ini(nonsense, **{switch: "True"}))]
    assert found(dev_ini(**{switch: "True"})) == [("error", "DEFAULT", switch, "missing-section")]


def test_what_is_required_is_asked_for_all_at_once():
    assert [key for _, _, key, _ in found("[DEFAULT]\n")] == list(REQUIRED)
    assert {code for *_, code in found("[DEFAULT]\n")} == {"missing-key"}


@pytest.mark.parametrize("nothing", ["", "None"])
def test_a_required_key_without_value_is_missing(nothing: str):
    (problem,) = problems_of(dev_ini(jobId=nothing))

    assert (problem.code, problem.line) == ("missing-key", 5)
    assert problem.message.startswith("has no value")


def test_without_default_section_there_is_one_problem():
    assert found("[OTHER]\na = b\n") == [
        ("error", "DEFAULT", "", "missing-section"),
        ("warning", "OTHER", "", "unknown-section"),
    ]
