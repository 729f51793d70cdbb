from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.dev_ini import ROLE, configuration_of, dev_ini, section
from tests.support.memory_queue import request_for
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.stored_file import StoredFile
from otactl.jobqueue.trust import Trust, document_refusals, refusals

REQUEST = request_for("a")
IMAGE, THING_LIST = REQUEST.image.name, REQUEST.thing_list.name


def refused(
    *sections: str,
    trust: Trust | None = None,
    request: JobRequest = REQUEST,
    **default: str | None,
) -> list[str]:
    named = {"binName": IMAGE, "thingList": THING_LIST, "bucket": request.bucket}
    configuration = configuration_of(dev_ini(*sections, **{**named, **default}))
    return list(refusals(configuration, request, trust or Trust()))


def test_a_configuration_that_names_its_own_files_and_bucket_is_taken() -> None:
    assert refused() == []


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "other.bin",
        f"./{IMAGE}",
        f"{IMAGE}/../x",
        f"/srv/{IMAGE}",
        "~/.ssh/id_rsa",
    ],
)
@pytest.mark.parametrize("key", ["binName", "thingList"])
def test_a_path_that_is_not_the_request_s_own_file_is_refused(key: str, path: str) -> None:
    (reason,) = refused(**{key: path})

    assert key in reason
    assert "own file" in reason


def test_another_bucket_is_refused_unless_the_worker_allows_it() -> None:
    (reason,) = refused(bucket="other-bucket")

    assert "other-bucket" in reason
    assert "--allow-bucket" in reason
    assert refused(bucket="other-bucket", trust=Trust(buckets=frozenset({"other-bucket"}))) == []


def test_a_region_or_role_that_the_worker_does_not_allow_is_refused() -> None:
    trust = Trust(
        regions=frozenset({"eu-central-1"}),
        role_arns=frozenset({"arn:aws:iam::123456789012:role/other"}),
    )

    reasons = refused(trust=trust)

    assert len(reasons) == 2
    assert "eu-central-1" in reasons[0]
    assert ROLE in reasons[1]


def test_the_role_of_the_presigned_url_counts_too() -> None:
    other = "arn:aws:iam::123456789012:role/other"
    presigned = section("PRESIGNED_URL_CONFIG", roleArn=other, expiresInSec="3600")

    (reason,) = refused(
        presigned, trust=Trust(role_arns=frozenset({ROLE})), usePresignedUrlConfig="True"
    )

    assert other in reason


def document_section(**keys: str) -> str:
    return section("CUSTOM_JOB_DOCUMENT", **keys)


def test_a_document_on_the_worker_s_disk_is_refused_but_the_request_s_own_is_not() -> None:
    local = document_section(jobDocSrcCfg="local_file", jobDocPath="/etc/passwd")
    (reason,) = refused(local, useCustomJobDocument="True")
    assert "jobDocPath" in reason

    document = StoredFile(key="release/docFile_x_doc.json")
    own = document_section(jobDocSrcCfg="local_file", jobDocPath=document.name)
    request = request_for("a", document=document)
    assert refused(own, request=request, useCustomJobDocument="True", **_names(request)) == []


def test_a_document_in_another_bucket_is_refused() -> None:
    url = "https://s3.us-east-1.amazonaws.com/other-bucket/doc.json"
    other = document_section(jobDocSrcCfg="url", jobDocSrcUrl=url)

    (reason,) = refused(other, useCustomJobDocument="True")

    assert "jobDocSrcUrl" in reason
    assert (
        refused(
            document_section(
                jobDocSrcCfg="url",
                jobDocSrcUrl=f"https://s3.us-east-1.amazonaws.com/{REQUEST.bucket}/doc.json",
            ),
            useCustomJobDocument="True",
        )
        == []
    )


def _names(request: JobRequest) -> dict[str, str]:
    return {"binName": request.image.name, "thingList": request.thing_list.name}


OWN = f"https://s3.us-east-1.amazonaws.com/{REQUEST.bucket}/firmware/x"


@pytest.mark.parametrize(
    ("document", "refused"),
    [
        ("{}", False),
        (f"${{aws:iot:s3-presigned-url:{OWN}}}", False),
        ("${aws:iot:s3-presigned-url:https://other.s3.amazonaws.com/k}", True),
        ("${aws:iot:s3-presigned-url:https://s3.amazonaws.com/other/k}", True),
        ("${aws:iot:s3-presigned-url:s3://other/k}", True),
        ("${aws:iot:s3-presigned-url:https://example.com/k}", True),
        (f"${{AWS:iot:s3-presigned-url:{OWN}}}", True),
        (f"${{aws:iot:s3-presigned-url-v2:{OWN}}}", True),
        (f"${{aws:iot:s3-presigned-url:{OWN}", True),
        (f"${{aws:iot:code-sign-signature:s3://us-east-1.{REQUEST.bucket}/k@v}}", False),
        ("${aws:iot:code-sign-signature:s3://us-east-1.other/k@v}", True),
        ("${aws:secretsmanager:x}", True),
        ("${other:iot}", False),
    ],
)
def test_a_document_has_nothing_signed_but_of_buckets_that_are_allowed(
    document: str, *, refused: bool
) -> None:
    for text in (document, f'{{"a": {{"{document}": [1]}}}}'):
        assert bool(list(document_refusals(text, REQUEST, Trust()))) is refused
    trust = Trust(buckets=frozenset({"other"}))
    if "https://s3.amazonaws.com/other" in document or "us-east-1.other" in document:
        assert list(document_refusals(document, REQUEST, trust)) == []


def test_a_former_image_that_is_no_file_of_the_request_s_own_is_refused() -> None:
    own = StoredFile(key="release/formerFile_x_1_old.bin", sha256="d" * 64)
    request = replace(REQUEST, former=(own,))

    def refusals_of(path: str) -> list[str]:
        text = wave_ini(
            section("ROLLBACK_CONFIG", imageList=f"1.0: {path}"),
            section("IMAGE_CONFIG", imageVer="2.0"),
            section("VERIFY_CONFIG", versionPath="version"),
            onGateFailure="rollback",
            default={"binName": IMAGE, "thingList": THING_LIST, "bucket": request.bucket},
        )
        return list(refusals(configuration_of(text), request, Trust()))

    assert refusals_of(own.name) == []
    for path in ("/etc/passwd", "formerFile_y_1_old.bin", f"../{own.name}"):
        (reason,) = refusals_of(path)
        assert "imageList" in reason
        assert "own" in reason
