"""From messages to events and from effects to messages: where ``wire`` meets ``device``.

Messages are not trusted. An unreadable one becomes an event that reports this, or no event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.device.job import Job
from otactl.fleet.range_fetch import url_fault
from otactl.model.document_format import DocumentFormat
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus
from otactl.wire.error import WireError
from otactl.wire.job_document import has_own_dialect, parse_custom_document, parse_document
from otactl.wire.job_payload import (
    JobExecution,
    decode_execution_answer,
    decode_job_rejected,
    encode_describe,
    encode_start_next,
    encode_update,
    load_object,
)
from otactl.wire.job_topic import JobAnswer, JobMessage, JobTopics
from otactl.wire.stream_payload import (
    GetStreamRequest,
    decode_data_block,
    decode_rejected,
    encode_bitmap,
    encode_get_request,
)
from otactl.wire.stream_topic import PayloadFormat, StreamTopic, StreamVerb

UNREADABLE = "Unreadable"


class Translator:
    """Translates messages and effects of one thing.

    Args:
        thing_name: The thing.
        payload_format: Of stream messages; jobs are always JSON.
        reads: The only format of job documents it supports; None for any.
        template: The custom document with placeholders that it reads, or None.
    """

    __slots__ = ("_format", "_reads", "_template", "_thing_name", "_topics")

    def __init__(
        self,
        thing_name: str,
        payload_format: PayloadFormat,
        *,
        reads: DocumentFormat | None = None,
        template: Mapping[str, Any] | None = None,
    ) -> None:
        self._thing_name = thing_name
        self._format = payload_format
        self._reads = reads
        self._template = None if template is None or has_own_dialect(template) else template
        self._topics = JobTopics(thing_name)

    @property
    def job_filters(self) -> tuple[str, ...]:
        """The topic filters for messages from the jobs service."""
        return self._topics.subscriptions

    @property
    def stream_filters(self) -> tuple[str, ...]:
        """The topic filters for messages from the stream service.

        Without descriptions: the job document has all that a device needs.
        """
        return tuple(
            str(StreamTopic(self._thing_name, "+", verb, self._format))
            for verb in (StreamVerb.DATA, StreamVerb.REJECTED)
        )

    def event_of(self, topic: str, body: bytes) -> happened.Event | None:
        """The event of a message; None if the device ignores it."""
        stream = StreamTopic.parse(topic)
        if stream is not None:
            return _stream_event(stream, body)
        message = self._topics.parse(topic)
        return None if message is None else self._job_event(message, body)

    def message_of(self, effect: wanted.Effect) -> tuple[str, bytes] | None:
        """The topic and payload that an effect publishes; None for any other effect."""
        match effect:
            case wanted.AskStartNext(token):
                return self._topics.start_next, encode_start_next(token, {"step": "accepted"})
            case wanted.AskDescribeNext(token):
                return self._topics.describe(), encode_describe(token)
            case wanted.SendUpdate():
                return self._topics.update(effect.job_id), encode_update(
                    effect.report.status,
                    client_token=effect.token,
                    status_details=effect.report.details,
                    expected_version=effect.expected_version,
                    execution_number=effect.execution_number,
                )
            case wanted.RequestBlocks():
                return self._get_stream(effect)
        return None

    def _get_stream(self, effect: wanted.RequestBlocks) -> tuple[str, bytes]:
        offset, count = effect.blocks[0], len(effect.blocks)
        # The safe form: no bitmap if o and n are enough (aws-facts G4).
        in_a_row = effect.blocks[-1] - offset == count - 1
        request = GetStreamRequest(
            file_id=effect.file_id,
            block_size=effect.block_size,
            block_offset=offset,
            block_count=count,
            bitmap=None if in_a_row else encode_bitmap(effect.blocks, offset),
            client_token=effect.token,
        )
        topic = StreamTopic(self._thing_name, effect.stream_id, StreamVerb.GET, self._format)
        return str(topic), encode_get_request(request, self._format)

    def _job_event(self, message: JobMessage, body: bytes) -> happened.Event | None:
        match message.answer:
            case JobAnswer.START_NEXT | JobAnswer.DESCRIBE:
                return self._answer(body) if message.accepted else _refusal(body)
            case JobAnswer.NOTIFY_NEXT:
                try:
                    execution, _ = decode_execution_answer(body)
                except WireError:
                    return None
                return happened.NextChanged(self._job_of(execution) if execution else None)
            case JobAnswer.UPDATE:
                return _update_answer(body, accepted=message.accepted)
        return None

    def _answer(self, body: bytes) -> happened.Event:
        try:
            execution, token = decode_execution_answer(body)
        except WireError:
            return happened.JobRefused(None, UNREADABLE)
        return happened.JobAnswered(token, self._job_of(execution) if execution else None)

    def _job_of(self, execution: JobExecution) -> Job:
        """The execution as a ``Job``; for an unreadable document it has a refusal."""
        try:
            image, refusal = self._image(execution), ""
        except WireError as error:
            image, refusal = None, str(error)
        return Job(
            job_id=execution.job_id,
            # Start-next sets the execution IN_PROGRESS; in notifications it may be QUEUED.
            status=ExecutionStatus(execution.status),
            execution_number=execution.execution_number,
            version_number=execution.version_number,
            queued_at_seconds=execution.queued_at_seconds,
            image=image,
            refusal=refusal,
        )

    def _image(self, execution: JobExecution) -> Image:
        if self._template is None:
            image = parse_document(execution.job_document, self._reads)
        else:
            image = parse_custom_document(execution.job_document, self._template)
        if image.url is not None and (fault := url_fault(image.url)) is not None:
            raise WireError("InvalidRequest", fault)
        return image


def _stream_event(topic: StreamTopic, body: bytes) -> happened.Event | None:
    try:
        if topic.verb is StreamVerb.DATA:
            block = decode_data_block(body, topic.payload_format)
            return happened.BlockReceived(
                topic.stream_id, block.file_id, block.block_id, block.payload
            )
        if topic.verb is StreamVerb.REJECTED:
            rejected = decode_rejected(body, topic.payload_format)
            return happened.StreamRefused(topic.stream_id, rejected.client_token, rejected.code)
    except WireError:
        # An unreadable block is handled as a lost one.
        return None
    return None


def _refusal(body: bytes) -> happened.Event:
    try:
        rejected = decode_job_rejected(body)
    except WireError:
        return happened.JobRefused(None, UNREADABLE)
    return happened.JobRefused(rejected.client_token, rejected.code)


def _update_answer(body: bytes, *, accepted: bool) -> happened.Event | None:
    try:
        if accepted:
            token = load_object(body).get("clientToken")
            return happened.UpdateAccepted(token if isinstance(token, str) else None)
        rejected = decode_job_rejected(body)
    except WireError:
        return None
    return happened.UpdateRejected(
        rejected.client_token, rejected.code, rejected.current_status, rejected.current_version
    )
