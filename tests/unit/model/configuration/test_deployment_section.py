"""Custom documents, presigned URLs, image, signing, API, tags and waivers."""

from __future__ import annotations

import pytest
from tests.support.dev_ini import ROLE, configuration_of, dev_ini, found, problems_of, section

from otactl.model.configuration import DocumentSource
from otactl.model.configuration.deployment import CustomDocument
from otactl.model.document_format import AfrOta, DocumentFormat
from otactl.model.firmware import Signing
from otactl.model.job_configuration import PresignedUrl


def custom_ini(**keys: str | None) -> str:
    return dev_ini(section("CUSTOM_JOB_DOCUMENT", **keys), useCustomJobDocument="True")


def presigned_ini(**keys: str | None) -> str:
    return dev_ini(section("PRESIGNED_URL_CONFIG", **keys), usePresignedUrlConfig="True")


class TestCustomDocument:
    def test_job_doc_src_cfg_local_file_needs_the_path(self):
        text = custom_ini(jobDocSrcCfg="local_file", jobDocSrcUrl="None", jobDocPath="doc.json")

        assert configuration_of(text, base_dir="/srv").custom_document == CustomDocument(
            source=DocumentSource.LOCAL_FILE, path="/srv/doc.json"
        )
        assert found(custom_ini(jobDocSrcCfg="local_file", jobDocPath="None")) == [
            ("error", "CUSTOM_JOB_DOCUMENT", "jobDocSrcCfg", "requires")
        ]

    def test_job_doc_src_cfg_url_needs_the_url(self):
        text = custom_ini(jobDocSrcCfg="url", jobDocSrcUrl="s3://bucket/doc.json", jobDocPath="x")

        assert configuration_of(text).custom_document == CustomDocument(
            source=DocumentSource.URL, url="s3://bucket/doc.json"
        )
        assert found(custom_ini(jobDocSrcCfg="url")) == [
            ("error", "CUSTOM_JOB_DOCUMENT", "jobDocSrcCfg", "requires")
        ]

    def test_job_doc_src_cfg_is_one_of_two_words(self):
        assert found(custom_ini(jobDocSrcCfg="file", jobDocPath="x")) == [
            ("error", "CUSTOM_JOB_DOCUMENT", "jobDocSrcCfg", "choice")
        ]

    def test_job_doc_src_url_must_be_in_s3(self):
        text = custom_ini(jobDocSrcCfg="url", jobDocSrcUrl="https://example.com/doc.json")

        assert found(text) == [("error", "CUSTOM_JOB_DOCUMENT", "jobDocSrcUrl", "form")]


def afr_ota_ini(*sections: str, **default: str | None) -> str:
    keys = {"documentFormat": "afr_ota", "useSigningConfig": "True", **default}
    signing = section("SIGNING_CONFIG", privateKeyPath="key.pem")
    return dev_ini(signing, *(sections or (AGENT,)), **keys)


AGENT = section("AFR_OTA_CONFIG", filePath="/fw.bin", certificateName="code.crt")


class TestAfrOta:
    def test_document_format_is_one_or_both(self):
        assert configuration_of(dev_ini()).document_formats == (DocumentFormat.OTACTL,)
        both = configuration_of(afr_ota_ini(documentFormat="afr_ota, otactl"))
        assert both.document_formats == (DocumentFormat.AFR_OTA, DocumentFormat.OTACTL)
        for text in ("freertos", "otactl,otactl", ","):
            assert found(dev_ini(documentFormat=text)) == [
                ("error", "DEFAULT", "documentFormat", "choice")
            ]

    def test_file_path_certificate_name_and_file_type_are_carried(self):
        agent = AGENT + "fileType = 255\n"

        assert configuration_of(afr_ota_ini(agent)).afr_ota == AfrOta(
            file_path="/fw.bin", certificate_name="code.crt", file_type=255
        )
        assert configuration_of(dev_ini(AGENT)).afr_ota is None
        assert found(afr_ota_ini(section("AFR_OTA_CONFIG", fileType="256"))) == [
            ("error", "AFR_OTA_CONFIG", key, code)
            for key, code in (
                ("filePath", "missing-key"),
                ("certificateName", "missing-key"),
                ("fileType", "range"),
            )
        ]

    def test_protocols_are_by_url_where_there_is_one(self):
        presign = section("PRESIGNED_URL_CONFIG", roleArn=ROLE)
        both = AGENT + "protocols = HTTP, MQTT\n"
        by_url = {"usePresignedUrlConfig": "True"}

        def protocols(text: str) -> list[str]:
            afr_ota = configuration_of(text).afr_ota
            return [] if afr_ota is None else list(afr_ota.protocols)

        assert protocols(afr_ota_ini()) == ["MQTT"]
        assert protocols(afr_ota_ini(AGENT, presign, **by_url)) == ["HTTP"]
        assert protocols(afr_ota_ini(both, presign, **by_url)) == ["HTTP", "MQTT"]
        assert found(afr_ota_ini(both)) == [("error", "AFR_OTA_CONFIG", "protocols", "requires")]

    def test_agents_need_a_section_and_a_signature(self):
        assert found(dev_ini(documentFormat="otactl, afr_ota")) == [
            ("error", "DEFAULT", "documentFormat", code) for code in ("requires", "missing-section")
        ]

    def test_the_agents_keep_44_characters_of_a_streams_name(self):
        longest = configuration_of(afr_ota_ini(streamId="s" * 40))
        assert len(longest.stream_name(255)) == 44
        assert found(afr_ota_ini(streamId="s" * 41)) == [
            ("error", "DEFAULT", "streamId", "long-stream-id")
        ]


class TestPresignedUrl:
    def test_role_arn_of_its_own_signs(self):
        role = "arn:aws:iam::123456789012:role/signing"
        job = configuration_of(presigned_ini(roleArn=role, expiresInSec="60")).job

        assert job.presigned_url == PresignedUrl(role_arn=role, expires_in_seconds=60)

    def test_role_arn_left_out_is_taken_from_default_and_said_so(self):
        text = presigned_ini(expiresInSec="3600")

        assert configuration_of(text).job.presigned_url == PresignedUrl(role_arn=ROLE)
        assert found(text) == [("note", "PRESIGNED_URL_CONFIG", "roleArn", "inherited")]

    def test_role_arn_of_another_account_is_refused(self):
        text = presigned_ini(roleArn="arn:aws:iam::210987654321:role/signing")

        assert found(text) == [("error", "PRESIGNED_URL_CONFIG", "roleArn", "account")]

    @pytest.mark.parametrize("seconds", ["59", "3601"])
    def test_expires_in_sec_is_a_minute_to_an_hour(self, seconds: str):
        text = presigned_ini(roleArn=ROLE, expiresInSec=seconds)

        assert found(text) == [("error", "PRESIGNED_URL_CONFIG", "expiresInSec", "range")]

    def test_expires_in_sec_is_an_hour_when_left_out(self):
        job = configuration_of(presigned_ini(roleArn=ROLE)).job

        assert job.presigned_url == PresignedUrl(role_arn=ROLE, expires_in_seconds=3600)


class TestImage:
    def test_image_ver_goes_into_the_document_as_it_stands(self):
        assert configuration_of(dev_ini()).image_version is None
        image = section("IMAGE_CONFIG", imageVer="1.0 β")
        assert configuration_of(dev_ini(image)).image_version == "1.0 β"
        assert found(dev_ini(section("IMAGE_CONFIG", imageVer="1" * 129))) == [
            ("error", "IMAGE_CONFIG", "imageVer", "form")
        ]

    def test_include_sha256_is_off_when_left_out(self):
        assert configuration_of(dev_ini()).include_sha256 is False
        image = section("IMAGE_CONFIG", includeSha256="True")
        assert configuration_of(dev_ini(image)).include_sha256 is True


class TestSigning:
    def test_private_key_path_counts_from_the_folder_of_the_file(self):
        signing = section("SIGNING_CONFIG", privateKeyPath="key.pem")
        text = dev_ini(signing, useSigningConfig="True")

        assert configuration_of(text, base_dir="/srv").signing == Signing(
            private_key_path="/srv/key.pem"
        )

    def test_a_private_key_itself_in_the_file_is_refused(self):
        signing = "[SIGNING_CONFIG]\nprivateKeyPath = -----BEGIN PRIVATE KEY-----\n  MIGH\n"

        (problem,) = problems_of(dev_ini(signing, useSigningConfig="True"))
        assert problem.code == "secret"
        assert "MIGH" not in str(problem)

    @pytest.mark.parametrize(
        ("source", "name", "value"),
        [
            (None, "privateKeyPath", "key.pem"),
            ("key", "privateKeyPath", "key.pem"),
            ("kms", "kmsKey", "alias/firmware"),
            ("signer", "signingProfile", "firmware"),
        ],
    )
    def test_source_needs_its_own_key(self, source: str | None, name: str, value: str):
        def text(**keys: str | None) -> str:
            signing = section("SIGNING_CONFIG", source=source, **keys)
            return dev_ini(signing, useSigningConfig="True")

        signing = configuration_of(text(**{name: value})).signing
        assert signing is not None
        assert signing.source == (source or "key")
        assert signing.key_path == ("key.pem" if name == "privateKeyPath" else None)
        assert found(text()) == [("error", "SIGNING_CONFIG", "source", "requires")]
        assert name in problems_of(text())[0].message

    def test_kms_key_is_an_id_an_arn_or_an_alias(self):
        key = "12345678-1234-1234-1234-123456789012"
        arn = "arn:aws:kms:us-east-1:123456789012:"
        for text in (key, f"{arn}key/{key}", f"{arn}alias/fw", "alias/team/fw-1"):
            assert self.kms(text) == []
        for text in ("fw", "alias/", f"{arn}key/a b", f"{arn}secret/x", key[1:]):
            assert self.kms(text) == [("error", "SIGNING_CONFIG", "kmsKey", "form")]
        elsewhere = f"{arn}key/{key}".replace("us-east-1", "eu-central-1")
        assert self.kms(elsewhere) == [("error", "SIGNING_CONFIG", "kmsKey", "region")]

    @staticmethod
    def kms(key: str) -> list[tuple[str, str, str, str]]:
        signing = section("SIGNING_CONFIG", source="kms", kmsKey=key)
        return found(dev_ini(signing, useSigningConfig="True"))

    def test_signing_profile_has_the_form_that_signer_takes(self):
        for name, code in (("fw_1", None), ("fw-1", "form"), ("f", "form")):
            signing = section("SIGNING_CONFIG", source="signer", signingProfile=name)
            expected = [("error", "SIGNING_CONFIG", "signingProfile", code)] if code else []
            assert found(dev_ini(signing, useSigningConfig="True")) == expected

    def test_signature_algorithm_is_the_one_devices_check(self):
        signing = section("SIGNING_CONFIG", privateKeyPath="k", signatureAlgorithm="MD5withRSA")

        assert found(dev_ini(signing, useSigningConfig="True")) == [
            ("error", "SIGNING_CONFIG", "signatureAlgorithm", "choice")
        ]


class TestApi:
    def test_upload_concurrency_is_four_when_left_out(self):
        assert configuration_of(dev_ini()).upload_concurrency == 4
        api = section("API_CONFIG", uploadConcurrency="32")
        assert configuration_of(dev_ini(api)).upload_concurrency == 32
        assert found(dev_ini(section("API_CONFIG", uploadConcurrency="33"))) == [
            ("error", "API_CONFIG", "uploadConcurrency", "range")
        ]

    def test_max_attempts_is_eight_when_left_out(self):
        assert configuration_of(dev_ini()).max_attempts == 8
        assert configuration_of(dev_ini(section("API_CONFIG", maxAttempts="1"))).max_attempts == 1
        assert found(dev_ini(section("API_CONFIG", maxAttempts="0"))) == [
            ("error", "API_CONFIG", "maxAttempts", "range")
        ]


class TestTags:
    def test_tags_are_names_and_values(self):
        tags = section("TAGS", team="firmware", Empty="", größe="1 µ")

        assert configuration_of(dev_ini(tags)).tags == {
            "team": "firmware",
            "Empty": "",
            "größe": "1 µ",
        }

    @pytest.mark.parametrize(
        "line", ["a*b = x", "aws:x = y", f"{'k' * 129} = x", f"k = {'v' * 257}"]
    )
    def test_tags_refuse_what_aws_refuses(self, line: str):
        assert [code for *_, code in found(dev_ini(f"[TAGS]\n{line}\n"))] == ["form"]

    def test_tags_are_fifty_at_most(self):
        tags = section("TAGS", **{f"tag{number}": "x" for number in range(51)})

        assert found(dev_ini(tags)) == [("error", "TAGS", "", "range")]


class TestWaivers:
    def test_waivers_carry_a_reason(self):
        waivers = section("LINT_CONFIG", **{"waive_OTA-101": "the first wave is the test rack"})

        assert configuration_of(dev_ini(waivers)).waivers == {
            "OTA-101": "the first wave is the test rack"
        }

    def test_waivers_without_reason_are_refused(self):
        assert found(dev_ini(section("LINT_CONFIG", waive_X="")))[0][3] == "missing-reason"

    def test_other_keys_are_warned_about(self):
        (problem,) = problems_of(dev_ini(section("LINT_CONFIG", ignore="X")))

        assert (problem.severity, problem.code) == ("warning", "unknown-key")
