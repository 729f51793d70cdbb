"""Messages become events and effects become messages; what cannot be read breaks nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.device.job import Job
from otactl.device.report import Report
from otactl.fleet.translation import UNREADABLE, Translator
from otactl.model.document_format import DocumentFormat
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus
from otactl.wire.stream_payload import (
    DataBlock,
    StreamRejected,
    decode_bitmap,
    decode_get_request,
    encode_data_block,
    encode_rejected,
)
from otactl.wire.stream_topic import PayloadFormat

BASE = "$aws/things/pump-7"
MD5 = "0" * 32
FORMATS = pytest.mark.parametrize("payload_format", list(PayloadFormat))
DOCUMENT = {"command": "fota", "streamId": "s", "fileId": 3, "fileSize": 9, "md5sum": MD5}


def _translator(payload_format: PayloadFormat = PayloadFormat.CBOR) -> Translator:
    return Translator("pump-7", payload_format)


def _event(topic: str, fields: object) -> happened.Event | None:
    return _translator().event_of(f"{BASE}/{topic}", json.dumps(fields).encode())


@FORMATS
def test_blocks_are_asked_for_by_bitmap(payload_format: PayloadFormat) -> None:
    message = _translator(payload_format).message_of(
        wanted.RequestBlocks(
            stream_id="s", file_id=3, block_size=512, blocks=(20, 21, 24, 43), token="t"
        )
    )

    assert message is not None
    topic, body = message
    assert topic == f"{BASE}/streams/s/get/{payload_format}"
    request = decode_get_request(body, payload_format)
    assert (request.file_id, request.block_size, request.client_token) == (3, 512, "t")
    assert request.bitmap is not None
    assert list(decode_bitmap(request.bitmap, request.block_offset)) == [20, 21, 24, 43]
    # The guide's own example (aws-facts G4).
    assert request.bitmap.hex() == "130080"
    assert request.block_count == 4
    assert request.doubt == ""


@FORMATS
def test_blocks_in_a_row_are_asked_for_without_a_bitmap(payload_format: PayloadFormat) -> None:
    # The form that AWS cannot read in two ways (aws-facts G4).
    message = _translator(payload_format).message_of(
        wanted.RequestBlocks(stream_id="s", file_id=3, block_size=512, blocks=(20, 21), token="t")
    )

    assert message is not None
    request = decode_get_request(message[1], payload_format)
    assert (request.block_offset, request.block_count, request.bitmap) == (20, 2, None)


@FORMATS
def test_blocks_and_refusals_of_a_stream_arrive(payload_format: PayloadFormat) -> None:
    translator = _translator(payload_format)
    block = encode_data_block(DataBlock(file_id=3, block_id=7, payload=b"abc"), payload_format)
    refusal = StreamRejected(code="InternalError", message="m", client_token="t")

    data = translator.event_of(f"{BASE}/streams/s/data/{payload_format}", block)
    refused = translator.event_of(
        f"{BASE}/streams/s/rejected/{payload_format}", encode_rejected(refusal, payload_format)
    )

    assert data == happened.BlockReceived("s", 3, 7, b"abc")
    assert refused == happened.StreamRefused("s", "t", "InternalError")


def test_an_execution_arrives_with_its_image() -> None:
    execution = {
        "jobId": "j",
        "status": "IN_PROGRESS",
        "versionNumber": 2,
        "executionNumber": 1,
        "queuedAt": 5,
        "jobDocument": DOCUMENT,
    }
    job = Job(
        job_id="j",
        version_number=2,
        queued_at_seconds=5,
        image=Image(size_bytes=9, file_id=3, stream_id="s", md5=MD5),
    )

    answer = {"execution": execution, "clientToken": "t"}
    assert _event("jobs/start-next/accepted", answer) == happened.JobAnswered("t", job)
    assert _event("jobs/$next/get/accepted", answer) == happened.JobAnswered("t", job)
    assert _event("jobs/notify-next", answer) == happened.NextChanged(job)
    assert _event("jobs/start-next/accepted", {"clientToken": "t"}) == happened.JobAnswered(
        "t", None
    )
    assert _event("jobs/notify-next", {"timestamp": 1}) == happened.NextChanged(None)


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        ({"command": "reboot"}, "unknown command 'reboot'"),
        ({**DOCUMENT, "streamId": "a/+"}, "streamId is no stream id"),
        (
            {**DOCUMENT, "presignedUrl": "${aws:iot:s3-presigned-url:https://x}"},
            "the presigned URL was not filled in",
        ),
        ({**DOCUMENT, "presignedUrl": "http://example.com/"}, "the presigned URL is not https"),
        ({}, "unknown command None"),
    ],
)
def test_a_document_that_cannot_be_used_becomes_a_refusal(
    document: dict[str, object], refusal: str
) -> None:
    event = _event("jobs/notify-next", {"execution": {"jobId": "j", "jobDocument": document}})

    assert isinstance(event, happened.NextChanged)
    assert event.job is not None
    assert (event.job.image, event.job.refusal) == (None, refusal)


def test_answers_to_reports_arrive() -> None:
    assert _event("jobs/j/update/accepted", {"clientToken": "t"}) == happened.UpdateAccepted("t")
    rejected = {
        "code": "VersionMismatch",
        "clientToken": "t",
        "executionState": {"status": "IN_PROGRESS", "versionNumber": 4},
    }
    assert _event("jobs/j/update/rejected", rejected) == happened.UpdateRejected(
        "t", "VersionMismatch", ExecutionStatus.IN_PROGRESS, 4
    )
    refused = {"code": "RequestThrottled", "clientToken": "t"}
    assert _event("jobs/start-next/rejected", refused) == happened.JobRefused(
        "t", "RequestThrottled"
    )


def test_an_answer_that_cannot_be_read_makes_the_device_ask_again() -> None:
    event = _event("jobs/start-next/accepted", {"execution": {"jobId": 7}})

    assert event == happened.JobRefused(None, UNREADABLE)


TAILS = st.sampled_from(
    [
        "jobs/notify-next",
        "jobs/start-next/accepted",
        "jobs/start-next/rejected",
        "jobs/j/get/accepted",
        "jobs/j/update/accepted",
        "jobs/j/update/rejected",
        "streams/s/data/cbor",
        "streams/s/data/json",
        "streams/s/rejected/json",
        "streams/s/description/cbor",
    ]
)


@given(TAILS | st.text(), st.binary(max_size=80))
def test_no_message_breaks_a_device(tail: str, body: bytes) -> None:
    _translator().event_of(f"{BASE}/{tail}", body)


def test_reports_and_questions_go_out() -> None:
    translator = _translator()
    update = wanted.SendUpdate(
        job_id="j",
        report=Report(ExecutionStatus.FAILED, {"reason": "r"}),
        expected_version=4,
        execution_number=2,
        token="t",
    )

    sent = [
        translator.message_of(effect)
        for effect in (wanted.AskStartNext("t"), wanted.AskDescribeNext("t"), update)
    ]

    assert [message[0] for message in sent if message] == [
        f"{BASE}/jobs/start-next",
        f"{BASE}/jobs/$next/get",
        f"{BASE}/jobs/j/update",
    ]
    assert sent[2] is not None
    assert json.loads(sent[2][1]) == {
        "status": "FAILED",
        "statusDetails": {"reason": "r"},
        "expectedVersion": 4,
        "executionNumber": 2,
        "clientToken": "t",
    }
    assert translator.message_of(wanted.ForgetWork()) is None


def test_six_filters_hear_everything() -> None:
    translator = _translator()

    # AWS IoT takes eight in one SUBSCRIBE; a local broker looks at every one for every message.
    assert len(translator.job_filters + translator.stream_filters) == 6
    assert f"{BASE}/streams/+/data/cbor" in translator.stream_filters


def _image_of(document: object, **settings: Any) -> Image | str:
    """The image a device reads, or why it refuses."""
    translator = Translator("pump-7", PayloadFormat.CBOR, **settings)
    execution = {"jobId": "j", "status": "IN_PROGRESS", "versionNumber": 2, "executionNumber": 1}
    body = json.dumps({"execution": execution | {"jobDocument": document}}).encode()
    event = translator.event_of(f"{BASE}/jobs/start-next/accepted", body)
    assert isinstance(event, happened.JobAnswered)
    assert event.job is not None
    return event.job.image or event.job.refusal


AGENT_FILE = {"filepath": "f", "filesize": 9, "fileid": 3, "certfile": "c"}
AGENT_FILE |= {"sig-sha256-ecdsa": "MAE="}
AGENT = {"afr_ota": {"protocols": ["MQTT"], "streamname": "s", "files": [AGENT_FILE]}}


def test_a_device_of_one_dialect_reads_its_own_of_a_document_with_both() -> None:
    both = DOCUMENT | AGENT
    own, agents = (_image_of(both, reads=dialect) for dialect in DocumentFormat)

    assert own == Image(size_bytes=9, file_id=3, stream_id="s", md5=MD5)
    assert agents == Image(
        size_bytes=9,
        file_id=3,
        stream_id="s",
        signature=b"\x30\x01",
        document_format=DocumentFormat.AFR_OTA,
    )
    assert _image_of(AGENT) == agents
    assert "unknown command" in str(_image_of(AGENT, reads=DocumentFormat.OTACTL))
    assert "no afr_ota" in str(_image_of(DOCUMENT, reads=DocumentFormat.AFR_OTA))


TEMPLATE = {
    "update": {"bytes": "${otactl:fileSize}", "from": ["${otactl:streamId}", "${otactl:fileId}"]},
    "label": "v${otactl:imageVer}",
    "sum": "${otactl:sha256}",
}
FILLED = {"update": {"bytes": 9, "from": ["s", 3]}, "label": "v1", "sum": "ab" * 32}


def test_a_custom_document_is_read_by_the_placeholders_of_its_template() -> None:
    image = _image_of(FILLED, template=TEMPLATE)

    assert image == Image(
        size_bytes=9, file_id=3, stream_id="s", sha256="ab" * 32, proves_itself=True
    )


@pytest.mark.parametrize(
    ("template", "lacks"),
    [
        ({"from": "${otactl:streamId}", "id": "${otactl:fileId}"}, "${otactl:fileSize}"),
        ({"bytes": "${otactl:fileSize}"}, "${otactl:streamId} or ${otactl:url}"),
        ({"b": "${otactl:fileSize}", "s": "${otactl:streamId}"}, "${otactl:fileId}"),
    ],
)
def test_a_document_that_no_device_could_use_is_refused_with_what_it_lacks(
    template: dict[str, str], lacks: str
) -> None:
    filled = dict.fromkeys(template, 9) | dict.fromkeys({"from", "s"} & set(template), "s")

    said = _image_of(filled, template=template)
    assert said == f"no device could use the document: it lacks {lacks}"
