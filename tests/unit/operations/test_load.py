"""Every file a dev.ini names is looked at, and all that is wrong is told at once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.support.dev_ini import dev_ini, section

from otactl.errors import ConfigurationInvalid, LocalResourceMissing
from otactl.model.thing_list import ThingList, parse_thing_list
from otactl.operations.load import examine_deployment, load_deployment

THING = "arn:aws:iot:us-east-1:123456789012:thing/t"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a valid deployment."""
    (tmp_path / "dev.ini").write_text(dev_ini())
    (tmp_path / "thingsList.txt").write_text(THING + "\n")
    (tmp_path / "test.bin").write_bytes(b"firmware")
    return tmp_path


def write(folder: Path, *sections: str, **default: str | None) -> Path:
    path = folder / "dev.ini"
    path.write_text(dev_ini(*sections, **default))
    return path


def reported(path: Path) -> list[tuple[str, int | None, str, str]]:
    """Folderless file, line, key and code of every problem."""
    return [
        (Path(problem.file).name, problem.line, problem.key, problem.code)
        for problem in examine_deployment(path).problems
    ]


def custom(folder: Path, document: str) -> Path:
    (folder / "doc.json").write_text(document)
    keys = section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="doc.json")
    return write(folder, keys, useCustomJobDocument="True")


def signing(folder: Path, key: bytes) -> Path:
    (folder / "key.pem").write_bytes(key)
    keys = section("SIGNING_CONFIG", privateKeyPath="key.pem")
    return write(folder, keys, useSigningConfig="True")


def test_a_valid_deployment_is_loaded_with_its_files(folder: Path):
    loaded = load_deployment(folder / "dev.ini")

    assert loaded.configuration.image == str(folder / "test.bin")
    assert loaded.thing_list.things == (THING,)
    assert loaded.thing_list.file_name == str(folder / "thingsList.txt")
    assert loaded.custom_document is None
    assert loaded.warnings == ()
    assert loaded.ini.text == dev_ini()


def test_problems_of_every_file_are_told_at_once(folder: Path):
    (folder / "thingsList.txt").write_text(f"{THING}\nnonsense here\n")
    (folder / "test.bin").write_bytes(b"")
    path = write(folder, jobId="a b")

    with pytest.raises(ConfigurationInvalid):
        load_deployment(path)
    assert reported(path) == [
        ("dev.ini", 5, "jobId", "form"),
        ("dev.ini", 3, "binName", "empty"),
        ("thingsList.txt", 2, "", "target"),
    ]


def test_a_missing_configuration_is_told_with_the_way_to_one(tmp_path: Path):
    with pytest.raises(LocalResourceMissing, match="there is no such file") as caught:
        load_deployment(tmp_path / "dev.ini")

    assert caught.value.hint == "`otactl init` makes one"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe[\0D\0", "UTF-16"),
        (b"[DEFAULT]\n\0", "NUL"),
        (b"[DEFAULT]\nx = \xff\n", "line 2 is not UTF-8"),
        (b"x" * 5_000_000, "longer than"),
    ],
)
def test_a_configuration_that_is_no_text_is_told(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "dev.ini").write_bytes(content)

    with pytest.raises(LocalResourceMissing, match=words):
        load_deployment(tmp_path / "dev.ini")


def test_a_folder_in_place_of_a_file_is_told(folder: Path):
    with pytest.raises(LocalResourceMissing, match="it is a folder"):
        load_deployment(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(folder: Path):
    (folder / "dev.ini").chmod(0)

    with pytest.raises(LocalResourceMissing, match="it may not be read"):
        load_deployment(folder / "dev.ini")


def test_missing_files_are_told_at_their_keys(folder: Path):
    (folder / "thingsList.txt").unlink()
    (folder / "test.bin").unlink()

    assert reported(folder / "dev.ini") == [
        ("dev.ini", 3, "binName", "missing-file"),
        ("dev.ini", 2, "thingList", "missing-file"),
    ]


def test_an_image_that_is_no_regular_file_is_told_and_never_waited_for(folder: Path):
    (folder / "test.bin").unlink()
    os.mkfifo(folder / "test.bin")

    assert reported(folder / "dev.ini") == [("dev.ini", 3, "binName", "missing-file")]


def test_images_to_roll_back_to_are_looked_at_like_the_new_one(folder: Path):
    os.mkfifo(folder / "fifo")
    (folder / "old.bin").write_bytes(b"old")
    images = section("ROLLBACK_CONFIG", imageList="1.0: old.bin, 0.9: gone.bin, 0.8: fifo")
    keys = [images, section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="30")]
    keys += [section("VERIFY_CONFIG"), section("IMAGE_CONFIG", imageVer="2.0")]

    def problems(on_failure: str) -> list[tuple[str, str]]:
        waves = section("WAVE_CONFIG", waveList="a:1", onGateFailure=on_failure)
        switches = {"useWaveConfig": "True", "useTimeoutConfig": "True", "cleanUpCfg": "False"}
        found = examine_deployment(write(folder, waves, *keys, rounds="1", **switches)).problems
        return [(one.key, one.severity.value) for one in found]

    assert problems("rollback") == [("imageList", "error")] * 2
    assert problems("stop") == [("imageList", "warning")] * 2


def test_an_image_to_roll_back_to_that_is_the_new_one_is_a_warning(folder: Path):
    (folder / "copy.bin").write_bytes((folder / "test.bin").read_bytes())
    (folder / "old.bin").write_bytes((folder / "test.bin").read_bytes()[:-1] + b"?")
    listed = "1.0: test.bin, 0.9: copy.bin, 0.8: old.bin, 0.7: old.bin as 2.0, 0.6: old.bin as 2.1"
    keys = [section("ROLLBACK_CONFIG", imageList=listed), section("VERIFY_CONFIG")]

    found = examine_deployment(
        write(folder, *keys, section("IMAGE_CONFIG", imageVer="2.0"))
    ).problems

    assert {(one.key, one.severity.value) for one in found} == {("imageList", "warning")}
    assert [one.message.split(", ")[0] for one in found] == [
        "the image of 1.0",
        "the image of 0.9",
        "the image of 0.7 is offered as 2.0",
    ]


def test_an_image_too_large_for_a_stream_is_told_unless_it_is_presigned(folder: Path):
    with (folder / "test.bin").open("wb") as image:
        image.truncate(98_304 * 256 + 1)
    keys = section("PRESIGNED_URL_CONFIG", roleArn="arn:aws:iam::123456789012:role/x")

    assert reported(write(folder)) == [("dev.ini", 3, "binName", "range")]
    assert reported(write(folder, keys, usePresignedUrlConfig="True")) == []


def test_things_of_another_region_or_account_are_told(folder: Path):
    other = "arn:aws:iot:eu-west-1:123456789012:thing/t"
    (folder / "thingsList.txt").write_text(f"{other}\n{THING.replace('123456789012', '9' * 12)}\n")

    assert [code for *_, code in reported(folder / "dev.ini")] == ["region", "account"]


def test_a_target_named_twice_is_a_warning(folder: Path):
    (folder / "thingsList.txt").write_text(f"{THING}\r\n{THING}\r\n")

    loaded = load_deployment(folder / "dev.ini")
    assert [problem.code for problem in loaded.warnings] == ["duplicate-target"]


def test_a_line_without_end_does_not_shift_the_lines_behind_it(folder: Path):
    (folder / "thingsList.txt").write_bytes(b"x" * 50_000 + b"\nbad line\n")

    assert [line for _, line, _, _ in reported(folder / "dev.ini")] == [1, 2]


def test_a_thing_list_that_is_no_text_is_told(folder: Path):
    (folder / "thingsList.txt").write_bytes(THING.encode("utf-16"))

    assert reported(folder / "dev.ini") == [("dev.ini", 2, "thingList", "missing-file")]


def test_a_custom_document_is_loaded(folder: Path):
    loaded = load_deployment(custom(folder, '\ufeff{"Info1": "123"}'))

    assert loaded.custom_document == {"Info1": "123"}


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        ('{\n  "Info3": "789",\n}\n', 3, "is not JSON"),
        ("[1, 2]", 1, "not an object"),
        ('{"a": NaN}', None, "NaN is not a JSON number"),
        ('{"a":' + "[" * 20_000, None, "nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", None, "holds a number of 5000 digits"),
        ('{"a": 1e400}', None, "holds 1e400, a number that is too large"),
        ('{"a": "\\ud800"}', None, "holds \\ud800, half of a character"),
        ("", 1, "is not JSON"),
    ],
)
def test_a_custom_document_that_is_none_is_told(
    folder: Path, document: str, line: int | None, words: str
):
    (problem,) = examine_deployment(custom(folder, document)).problems

    assert (Path(problem.file).name, problem.line) == ("doc.json", line)
    assert words in problem.message


def test_the_trailing_comma_of_the_manuals_sample_is_explained(folder: Path):
    (problem,) = examine_deployment(custom(folder, '{\n  "Info3": "789",\n}\n')).problems

    assert problem.hint == "take out the comma in front of it"


def test_a_custom_document_too_long_for_a_job_is_told(folder: Path):
    (problem,) = examine_deployment(custom(folder, '{"a": "' + "x" * 32768 + '"}')).problems

    assert problem.key == "jobDocPath"
    assert "longer than 32768" in problem.message


def test_a_document_that_is_not_used_is_not_looked_at(folder: Path):
    keys = section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="lost.json")

    assert reported(write(folder, keys)) == []


def test_a_private_key_that_can_sign_is_fine(folder: Path):
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert reported(signing(folder, pem)) == []


def test_a_private_key_that_cannot_sign_is_told(folder: Path):
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    for content in (pem, b"no key at all", b"", b"x" * 100_000):
        path = signing(folder, content)
        assert [code for *_, code in reported(path)] == ["private-key"]
        assert "no key at all" not in str(examine_deployment(path).problems)


def test_a_missing_private_key_is_told_at_its_key(folder: Path):
    path = signing(folder, b"")
    (folder / "key.pem").unlink()

    (problem,) = examine_deployment(path).problems
    assert (problem.section, problem.key) == ("SIGNING_CONFIG", "privateKeyPath")
    assert "there is no such file" in problem.message


def test_overrides_also_decide_which_files_are_read(folder: Path):
    (folder / "other.txt").write_text(THING + "2\n")

    loaded = load_deployment(folder / "dev.ini", overrides={"thingList": "other.txt"})

    assert loaded.thing_list.things == (THING + "2",)


def test_targets_can_be_made_in_place_of_the_list(folder: Path):
    (folder / "thingsList.txt").unlink()

    def make(configuration: object) -> ThingList:
        return parse_thing_list([THING + "9"], file_name="--things 1")

    assert load_deployment(folder / "dev.ini", make_thing_list=make).thing_list.things == (
        THING + "9",
    )


def test_a_schedule_must_lie_ahead(folder: Path):
    keys = section("SCHEDULING_CONFIG", startTime="2020-01-01 00:00")

    assert reported(write(folder, keys, useSchedulingConfig="True")) == [
        ("dev.ini", 12, "startTime", "range")
    ]


def test_a_misspelt_region_is_told_once_and_not_for_every_target(folder: Path):
    (folder / "thingsList.txt").write_text("".join(f"{THING}{n}\n" for n in range(20)))
    path = write(folder, region="us-eats-1")

    (problem,) = examine_deployment(path).problems
    assert (problem.key, problem.hint) == ("region", "us-east-1?")


def test_targets_of_another_region_are_told_by_the_first_and_their_number(folder: Path):
    (folder / "thingsList.txt").write_text("".join(f"{THING}{n}\n" for n in range(30)))

    problems = examine_deployment(write(folder, region="us-west-2")).problems
    assert [problem.line for problem in problems] == [1, None]
    assert problems[1].message == "29 more lines name targets of us-east-1"


PRESIGNED = "${aws:iot:s3-presigned-url:https://s3.us-east-1.amazonaws.com/bucket/extra.bin}"
PRESIGN = section(
    "PRESIGNED_URL_CONFIG", roleArn="arn:aws:iam::123456789012:role/sign", expiresInSec="60"
)


def test_a_placeholder_that_nobody_presigns_is_told_with_its_line(folder: Path):
    path = custom(folder, '{"a": 1,\n "b": {"extra": "' + PRESIGNED + '"}}')

    assert reported(path) == [("doc.json", 2, "", "document")]


@pytest.mark.parametrize(("count", "problems"), [(9, 0), (10, 1)])
def test_more_than_ten_placeholders_are_told_otactl_s_own_included(
    folder: Path, count: int, problems: int
):
    rows = ",\n".join(f'"{PRESIGNED}"' for _ in range(count))
    path = custom(folder, f'{{"e": [\n{rows}]}}')
    text = path.read_text().replace("[DEFAULT]", "[DEFAULT]\nusePresignedUrlConfig = True")
    path.write_text(text + PRESIGN)

    expected = [("doc.json", 11, "", "document")] * problems
    assert reported(path) == expected


def afr_ota(**file: object) -> str:
    content = b"firmware"
    file_id = hashlib.sha256(content).digest()[0]
    right = {"filepath": "/fw", "certfile": "c", "filesize": len(content), "fileid": file_id}
    right |= {"sig-sha256-rsa": "MAE=", **file}
    right = {key: value for key, value in right.items() if value is not None}
    update = {"protocols": ["MQTT"], "streamname": f"TestStream1234_{file_id}", "files": [right]}
    return json.dumps({"afr_ota": update})


def test_an_afr_ota_object_that_agrees_with_the_plan_is_fine(folder: Path):
    assert reported(custom(folder, afr_ota())) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (afr_ota(filesize=9), "filesize 9; the image has 8 bytes"),
        (afr_ota(fileid=300), "fileid 300; the file id is"),
        (afr_ota().replace("TestStream1234_", "TestStream_"), "streamname 'TestStream_"),
        (afr_ota().replace("MQTT", "FTP"), "protocols ['FTP']"),
        (afr_ota().replace("MQTT", "HTTP"), "lacks afr_ota.files[0].update_data_url"),
        (afr_ota(certfile=None), "agents refuse: certfile is missing"),
        (afr_ota(**{"sig-sha256-rsa": None}), "agents refuse: sig-sha256-ecdsa is missing"),
        (afr_ota(**{"sig-sha256-rsa": "not base64!"}), "agents refuse: sig-sha256-ecdsa is not"),
        ('{"afr_ota": {"files": []}}', "an object with a list of files"),
        ('{"afr_ota": 1}', "an object with a list of files"),
    ],
)
def test_an_afr_ota_object_that_contradicts_the_plan_is_told(
    folder: Path, document: str, words: str
):
    found = examine_deployment(custom(folder, document))

    assert found.deployment is None
    assert words in found.problems[0].message


@pytest.mark.parametrize(("signed", "codes"), [(b"firmware", []), (b"other", ["document"])])
def test_a_signature_in_afr_ota_is_checked_with_the_key(
    folder: Path, signed: bytes, codes: list[str]
):
    key = ec.generate_private_key(ec.SECP256R1())
    path = signing(folder, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    signature = base64.b64encode(key.sign(signed, ec.ECDSA(hashes.SHA256()))).decode()
    signed_by = {"sig-sha256-ecdsa": signature, "sig-sha256-rsa": None}
    (folder / "doc.json").write_text(afr_ota(**signed_by))
    keys = section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="doc.json")
    text = path.read_text().replace("[DEFAULT]", "[DEFAULT]\nuseCustomJobDocument = True")
    path.write_text(text + keys)

    assert [p.code for p in examine_deployment(path).problems] == codes


def waves(folder: Path, excepted: str) -> Path:
    (folder / "not.txt").write_text(excepted)
    return write(
        folder,
        section("TIMEOUT_CONFIG", inProgressTimeoutInMinutes="5"),
        section("WAVE_CONFIG", waveList="canary:1", exceptThings="not.txt"),
        useWaveConfig="True",
        useTimeoutConfig="True",
    )


def test_excepted_things_are_read_by_name_and_groups_among_them_refused(folder: Path):
    assert load_deployment(waves(folder, THING + "\n")).excepted == {"t"}

    group = THING.replace(":thing/", ":thinggroup/")
    assert reported(waves(folder, f"{THING}\n{group}\n")) == [("not.txt", 2, "", "target")]
    (folder / "not.txt").unlink()
    path = folder / "dev.ini"
    assert ("dev.ini", 17, "exceptThings", "missing-file") in reported(path)


EXAMPLES = Path(__file__).parents[3] / "examples" / "documents"


def signed(folder: Path, document: str, *, presigned: bool = False) -> Path:
    """A deployment with a custom document, signed, and by URL where that is asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    path = signing(folder, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "doc.json").write_text(document)
    keys = section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="doc.json")
    switches = "[DEFAULT]\nuseCustomJobDocument = True"
    if presigned:
        switches, keys = f"{switches}\nusePresignedUrlConfig = True", keys + PRESIGN
    path.write_text(path.read_text().replace("[DEFAULT]", switches) + keys)
    return path


@pytest.mark.parametrize("name", [path.name for path in sorted(EXAMPLES.glob("*.json"))])
def test_the_example_documents_can_be_deployed(folder: Path, name: str):
    document = (EXAMPLES / name).read_text()
    path = signed(folder, document, presigned=True)
    if "otactl:signature" not in document:
        path.write_text(path.read_text().replace("useSigningConfig = True", ""))

    assert reported(path) == []


def test_an_unknown_placeholder_is_told_with_its_line(folder: Path):
    path = custom(folder, '{"a": 1,\n "b": "${otactl:fileSise}"}')

    assert reported(path) == [("doc.json", 2, "", "document")]


def test_a_document_with_placeholders_says_the_signature_when_there_is_one(folder: Path):
    path = signed(folder, '{"size": "${otactl:fileSize}"}')

    (problem,) = examine_deployment(path).problems
    assert "has no ${otactl:signature}" in problem.message


def test_an_afr_ota_object_of_placeholders_agrees_with_the_plan(folder: Path):
    file = {"filepath": "f", "certfile": "c", "filesize": "${otactl:fileSize}"}
    file |= {"fileid": "${otactl:fileId}", "sig-sha256-ecdsa": "${otactl:signature}"}
    update = {"protocols": ["MQTT"], "streamname": "${otactl:streamId}", "files": [file]}
    assert reported(signed(folder, json.dumps({"afr_ota": update}))) == []

    file["fileid"] = "7${otactl:fileId}"
    (problem,) = examine_deployment(signed(folder, json.dumps({"afr_ota": update}))).problems
    assert "fileid '7" in problem.message


@pytest.mark.parametrize(("count", "problems"), [(10, 0), (11, 1)])
def test_each_url_placeholder_is_one_of_ten_substitutions(folder: Path, count: int, problems: int):
    rows = ",\n".join('"${otactl:url}"' for _ in range(count))
    path = signed(folder, f'{{"s": "${{otactl:signature}}", "e": [\n{rows}]}}', presigned=True)

    assert reported(path) == [("doc.json", 12, "", "document")] * problems


def test_a_document_that_grows_too_long_is_told(folder: Path):
    rows = ['"${otactl:sha256}"'] * 500
    path = custom(folder, f'{{"e": [{",".join(rows)}]}}')

    (problem,) = examine_deployment(path).problems
    assert "too long with its placeholders filled" in problem.message
    assert "32768" in problem.message


def test_placeholders_and_afr_ota_merged_in_exclude_each_other(folder: Path):
    path = signed(folder, '{"s": "${otactl:signature}"}')
    agent = section("AFR_OTA_CONFIG", filePath="f", certificateName="c")
    text = path.read_text().replace("[DEFAULT]", "[DEFAULT]\ndocumentFormat = afr_ota")
    path.write_text(text + agent)

    (problem,) = examine_deployment(path).problems
    assert "documentFormat says afr_ota" in problem.message


def test_urls_that_are_merged_in_for_both_formats_count_twice(folder: Path):
    rows = ",\n".join(f'"{PRESIGNED}"' for _ in range(9))
    path = signed(folder, f'{{"e": [\n{rows}]}}', presigned=True)
    agent = section("AFR_OTA_CONFIG", filePath="f", certificateName="c")
    text = path.read_text().replace("[DEFAULT]", "[DEFAULT]\ndocumentFormat = otactl, afr_ota")
    path.write_text(text + agent)

    (problem,) = examine_deployment(path).problems
    assert "has 11 placeholders, 2 of otactl included" in problem.message
