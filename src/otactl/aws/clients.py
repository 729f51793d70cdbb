"""The boto3 clients of one command: created on demand, shared by threads, each call counted.

Settings come from flags, then the environment, then the configuration file, as for every AWS tool;
botocore reads them. Retries are botocore's adaptive mode (exponential backoff with jitter and a
client-side rate limit), up to the number of attempts that the user sets.
"""

# boto3 creates clients by name, without types; ``AwsClients`` has the types.
# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.loaders import Loader, create_loader

import otactl
from otactl.aws.machine_time import Pacer, monotonic_ns
from otactl.aws.translate import translate, translated
from otactl.errors import UserMistake
from otactl.model.defaults import DEFAULT_UPLOAD_CONCURRENCY
from otactl.model.local_cloud import LocalCloudAddress

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_iam import IAMClient
    from types_boto3_iot import IoTClient
    from types_boto3_iot_data import IoTDataPlaneClient
    from types_boto3_iot_jobs_data import IoTJobsDataPlaneClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sts import STSClient


#: Concurrent calls of one client.
MAX_CONNECTIONS = 32
DEFAULT_MAX_ATTEMPTS = 8

# IAM's names of services, where boto3's differ.
_IAM_NAMES = {"iot-data": "iotdata", "iot-jobs-data": "iotjobsdata"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsSettings:
    """How to reach AWS. If a value is None, botocore's own lookup applies.

    Attributes:
        max_attempts: Attempts of a throttled or failed call in total.
        iot_interval_ms: Minimum time between two calls of the IoT control plane
            (the manual's ``iotApiSleepTime``).
        upload_concurrency: Parts of an image uploaded at once.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    iot_interval_ms: int = 0
    upload_concurrency: int = DEFAULT_UPLOAD_CONCURRENCY

    @classmethod
    def for_local_cloud(cls, address: LocalCloudAddress, **changes: Any) -> AwsSettings:
        """The settings that reach a local cloud."""
        return cls(
            region=address.region,
            endpoint_url=address.endpoint_url,
            access_key_id=address.access_key_id,
            secret_access_key=address.secret_access_key,
            **changes,
        )


class CallCounter:
    """Counts the requests sent, retries included, by ``service:Operation``.

    Attributes:
        on_answer: Called after each request: name, HTTP status (None when no answer came),
            error code (empty without an error). Called on the thread that made the request.
    """

    def __init__(self) -> None:
        self.on_answer: Callable[[str, int | None, str], None] | None = None
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        """Count one request."""
        with self._lock:
            self._counts[name] += 1

    def snapshot(self) -> dict[str, int]:
        """The counts so far, by name in alphabetical order."""
        with self._lock:
            return dict(sorted(self._counts.items()))


C = TypeVar("C")


class _Client(Generic[C]):
    """A client of ``AwsClients`` for a service; created at its first use."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __get__(self, clients: AwsClients, _: type[AwsClients]) -> C:
        return clients._client(self._service)  # noqa: SLF001 - a part of that class


@cache
def _loader(data_path: str | None) -> Loader:
    """The loader of the service models; one for all sessions of a process.

    Parsing the models takes a quarter of the processor time of a command that makes few calls.

    Args:
        data_path: A further folder of models (``AWS_DATA_PATH``).
    """
    return create_loader(data_path)


class AwsClients:
    """The clients of one command.

    Args:
        settings: How to reach AWS.
        calls: Where requests are counted; a new counter when left out.
        guard: Called after a request was signed and before it is sent; what it raises prevents it.
    """

    acm = _Client[Any]("acm")
    cloudformation: _Client[CloudFormationClient] = _Client("cloudformation")
    cloudwatch: _Client[CloudWatchClient] = _Client("cloudwatch")
    dynamodb: _Client[DynamoDBClient] = _Client("dynamodb")
    iam: _Client[IAMClient] = _Client("iam")
    iot: _Client[IoTClient] = _Client("iot")
    iot_data: _Client[IoTDataPlaneClient] = _Client("iot-data")
    iot_jobs_data: _Client[IoTJobsDataPlaneClient] = _Client("iot-jobs-data")
    kms = _Client[Any]("kms")
    lambda_: _Client[LambdaClient] = _Client("lambda")
    logs: _Client[CloudWatchLogsClient] = _Client("logs")
    s3: _Client[S3Client] = _Client("s3")
    service_quotas = _Client[Any]("service-quotas")
    signer = _Client[Any]("signer")
    sns: _Client[SNSClient] = _Client("sns")
    sqs: _Client[SQSClient] = _Client("sqs")
    sts: _Client[STSClient] = _Client("sts")

    def __init__(
        self,
        settings: AwsSettings,
        calls: CallCounter | None = None,
        *,
        guard: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings = settings
        self.calls = calls or CallCounter()
        self._guard = guard
        self._pacer = Pacer(settings.iot_interval_ms / 1000)
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._date, self._dated_ns = "", 0
        try:
            session = botocore.session.Session(profile=settings.profile)
            loader = _loader(session.get_config_variable("data_path"))
            session.register_component("data_loader", loader)
            self._session = boto3.Session(
                botocore_session=session,
                # Every other SDK reads it; boto3 itself reads only AWS_DEFAULT_REGION.
                region_name=settings.region or os.environ.get("AWS_REGION"),
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
            )
            # Each session adds boto3's own folder to the shared loader again.
            loader.search_paths[:] = dict.fromkeys(loader.search_paths)
        except BotoCoreError as error:
            raise translate(error, "session") from error

    def renewed(self, **changes: Any) -> AwsClients:
        """New clients with changed settings; they count in the same place and have the same guard.

        A new session reads the credentials again.
        """
        return AwsClients(replace(self.settings, **changes), self.calls, guard=self._guard)

    @property
    def aws_time_ms(self) -> int | None:
        """The Date of the last answer, epoch milliseconds to the second; None before the first."""
        try:
            return int(parsedate_to_datetime(self._date).timestamp() * 1000)
        except ValueError:
            return None

    def aws_now_ms(self) -> int | None:
        """AWS's time now: the Date of the last answer plus its age; None before the first."""
        dated_ms = self.aws_time_ms
        return dated_ms and dated_ms + (monotonic_ns() - self._dated_ns) // 1_000_000

    @property
    def region(self) -> str | None:
        """The region in force."""
        return self._session.region_name

    def require_region(self) -> str:
        """The region in force.

        Raises:
            UserMistake: None is set.
        """
        if self.region is None:
            raise UserMistake("no AWS region is set", hint="use --region or AWS_REGION")
        return self.region

    @translated("session")
    def credentials(self) -> ReadOnlyCredentials:
        """The credentials in force, refreshed if possible.

        Raises:
            CredentialsUnusable: There are no credentials.
        """
        found = self._session.get_credentials()
        if found is None:
            raise NoCredentialsError
        return found.get_frozen_credentials()

    def _client(self, name: str) -> Any:
        with self._lock:
            if name not in self._clients:
                self._clients[name] = self._make(name)
            return self._clients[name]

    def _make(self, name: str) -> Any:
        try:
            client = self._session.client(
                name,  # type: ignore[call-overload]  # one of the services above
                endpoint_url=self.settings.endpoint_url,
                config=Config(
                    retries={"mode": "adaptive", "total_max_attempts": self.settings.max_attempts},
                    max_pool_connections=MAX_CONNECTIONS,
                    user_agent_extra=f"otactl/{otactl.__version__}",
                    # Rehearsals reach buckets by path: a local cloud has no wildcard DNS.
                    s3={"addressing_style": "path"} if self.settings.endpoint_url else None,
                ),
            )
        except (BotoCoreError, ValueError) as error:
            raise translate(error, name) from error
        iam_name = _IAM_NAMES.get(name, name)

        def before_send(event_name: str, **_: Any) -> None:
            self.calls.count(f"{iam_name}:{event_name.rpartition('.')[2]}")
            if name == "iot":
                self._pacer.wait()
            self._guard()

        def response_received(
            event_name: str,
            parsed_response: Mapping[str, Any] | None = None,
            exception: Exception | None = None,
            **_: Any,
        ) -> None:
            answer = parsed_response or {}
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if "date" in headers:
                self._date, self._dated_ns = headers["date"], monotonic_ns()
            if (notify := self.calls.on_answer) is None:
                return
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
            code = answer.get("Error", {}).get("Code", "")
            # An exception's text may hold a URL; its name is enough.
            fault = code or (type(exception).__name__ if exception else "")
            notify(f"{iam_name}:{event_name.rpartition('.')[2]}", status, fault)

        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register(f"before-send.{service}", before_send)
        client.meta.events.register(f"response-received.{service}", response_received)
        return client

    def listed(
        self, service: str, operation: str, member: str, **parameters: Any
    ) -> Iterator[dict[str, Any]]:
        """The entries that an operation lists; each page is read when it is needed.

        Args:
            service: Its name in boto3.
            operation: The client's method, ``list_things``.
            member: The member of a page that holds the entries.
            parameters: Of the operation, and ``PaginationConfig``.
        """
        try:
            for page in self._client(service).get_paginator(operation).paginate(**parameters):
                yield from page.get(member, ())
        except (ClientError, BotoCoreError) as error:
            raise translate(error, _IAM_NAMES.get(service, service), operation) from error


@translated("sts")
def account_of(clients: AwsClients) -> str:
    """The account id of the credentials, twelve digits."""
    return clients.sts.get_caller_identity()["Account"]


@translated("sts")
def identity_of(clients: AwsClients) -> str:
    """The ARN of the credentials' identity."""
    return clients.sts.get_caller_identity()["Arn"]
