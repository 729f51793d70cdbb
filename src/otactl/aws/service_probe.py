"""Makes calls whose outcome AWS's documentation leaves open, and returns the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.jobs import create_job_parameters
from otactl.aws.translate import translated
from otactl.deploy.ports import CreateJobRequest
from otactl.errors import AwsRefused, AwsUnreachable


@dataclass(frozen=True, slots=True)
class Answer:
    """AWS's answer.

    Attributes:
        words: For people: the value returned, or status, code and message of the refusal.
        status: HTTP status of the refusal; None when the call was accepted.
    """

    words: str
    status: int | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether the call was not refused."""
        return self.status is None


class ServiceProbe:
    """Calls the control plane."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def create_job(self, request: CreateJobRequest, changes: Mapping[str, Any]) -> Answer:
        """CreateJob with parameters that ``deploy`` would not send."""
        given = {**create_job_parameters(request), **changes}
        parameters = {name: value for name, value in given.items() if value is not None}
        return self._answer(lambda: self._clients.iot.create_job(**parameters))

    def create_stream(self, stream_id: str, bucket: str, key: str, role_arn: str) -> Answer:
        """CreateStream on an object that may not exist."""
        files: Any = [{"fileId": 0, "s3Location": {"bucket": bucket, "key": key}}]
        return self._answer(
            lambda: self._clients.iot.create_stream(
                streamId=stream_id, files=files, roleArn=role_arn
            )
        )

    def jobs_endpoint(self) -> Answer:
        """DescribeEndpoint ``iot:Jobs``."""
        return self._answer(
            lambda: self._clients.iot.describe_endpoint(endpointType="iot:Jobs"), "endpointAddress"
        )

    @translated("s3")
    def put_document(self, bucket: str, key: str, document: Mapping[str, Any]) -> None:
        """Put a job document; an existing one is replaced."""
        self._clients.s3.put_object(
            Bucket=bucket, Key=key, Body=json.dumps(document), ContentType="application/json"
        )

    def _answer(self, call: Callable[[], Any], field: str = "") -> Answer:
        try:
            answer = translated("iot")(call)()
            return Answer(str(answer[field]) if field else "accepted")
        except AwsUnreachable:
            raise
        except AwsRefused as refusal:
            return Answer(
                f"{refusal.status} {refusal.code}: {refusal.reason}", refusal.status or 400
            )
