"""The local cloud's own S3 and IAM, used by the stream service over HTTP like any client.

botocore is synchronous, so calls run in a few threads: one for each half mebibyte of firmware and
one a second for each file, not one for each block.
"""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import unquote

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from otactl.cloud.guard import send_cloud_secret
from otactl.cloud.scope import Scope
from otactl.cloud.service_model import LOADER
from otactl.cloud.streams.record import FaultKind, ObjectState, S3Location, StreamFault
from otactl.cloud.streams.trust import may_be_assumed

T = TypeVar("T")

_THREADS = 8
_MISSING = frozenset(
    {"404", "NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NotFound", "MethodNotAllowed", "405"}
)
_DENIED = frozenset({"403", "AccessDenied", "Forbidden"})
_CHANGED = frozenset({"412", "PreconditionFailed"})


class LocalAws:
    """Clients of the local cloud, created on first use, one for each account and region.

    Args:
        endpoint_url: Of the gateway.
        secret: Of the cloud; with it a request acts as root of the account in its key id.
    """

    def __init__(self, endpoint_url: str, secret: str) -> None:
        self._endpoint_url = endpoint_url
        self._secret = secret
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="stream-service")

    @functools.lru_cache(maxsize=64)  # noqa: B019  # lives as long as the process
    def client(self, service: str, scope: Scope) -> Any:
        """A client that acts as root of the account."""
        session = botocore.session.Session()
        session.register_component("data_loader", LOADER)
        client = session.create_client(
            service,
            region_name=scope.region,
            aws_access_key_id=scope.account_id,
            aws_secret_access_key="unchecked",  # noqa: S106  # the header counts
            endpoint_url=self._endpoint_url,
            config=Config(max_pool_connections=_THREADS, s3={"addressing_style": "path"}),
        )
        send_cloud_secret(client, self._secret)
        return client

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)


class S3Objects:
    """The objects of streams (``file_reader.ObjectStore``)."""

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    async def state(self, scope: Scope, location: S3Location) -> ObjectState:
        """The current state of the object."""

        def head() -> Any:
            return self._aws.client("s3", scope).head_object(**_where(location))

        answer = await self._call(location, head)
        return ObjectState(etag=answer["ETag"], size_bytes=answer["ContentLength"])

    async def read(
        self, scope: Scope, location: S3Location, etag: str, start: int, length: int
    ) -> bytes:
        """A range of the object, if it still has that ETag."""
        if length == 0:
            return b""

        def get() -> tuple[str, bytes]:
            answer = self._aws.client("s3", scope).get_object(
                **_where(location), IfMatch=etag, Range=f"bytes={start}-{start + length - 1}"
            )
            return answer["ETag"], answer["Body"].read()

        found_etag, body = await self._call(location, get)
        if found_etag != etag or len(body) != length:
            raise StreamFault(
                FaultKind.ETAG_MISMATCH, f"{location} is not the object it was when it was pinned"
            )
        return body

    async def _call(self, location: S3Location, call: Callable[[], T]) -> T:
        try:
            return await self._aws.run(call)
        except (ClientError, BotoCoreError) as error:
            raise _object_fault(error, location) from error


class IamRoles:
    """The roles of streams (``file_reader.RoleGate``).

    The trust document is evaluated here, because only AWS IoT can assume a role in STS that trusts
    only AWS IoT; the permissions by IAM's own SimulatePrincipalPolicy. Bucket policies are not
    checked.
    """

    def __init__(self, aws: LocalAws) -> None:
        self._aws = aws

    async def check(self, scope: Scope, role_arn: str, location: S3Location) -> None:
        """Refuse a role that does not exist, does not trust AWS IoT, or may not read the object."""
        try:
            await self._aws.run(functools.partial(self._check, scope, role_arn, location))
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise StreamFault(FaultKind.INTERNAL, str(error)) from error
            raise StreamFault(
                FaultKind.INVALID_REQUEST, f"Role {role_arn} does not exist"
            ) from error
        except BotoCoreError as error:
            raise StreamFault(FaultKind.INTERNAL, str(error)) from error

    def _check(self, scope: Scope, role_arn: str, location: S3Location) -> None:
        iam = self._aws.client("iam", scope)
        name = role_arn.rpartition("/")[2]
        role = iam.get_role(RoleName=name)["Role"]
        if role["Arn"] != role_arn:
            raise StreamFault(FaultKind.INVALID_REQUEST, f"Role {role_arn} does not exist")
        if not may_be_assumed(_document(role["AssumeRolePolicyDocument"]), scope):
            raise StreamFault(
                FaultKind.UNAUTHORIZED, f"AWS IoT is not allowed to assume the role {role_arn}"
            )
        action = "s3:GetObjectVersion" if location.version else "s3:GetObject"
        answer = iam.simulate_principal_policy(
            # Without the role's path: MiniStack finds a role by its bare name only.
            PolicySourceArn=f"arn:aws:iam::{scope.account_id}:role/{name}",
            ActionNames=[action],
            ResourceArns=[f"arn:aws:s3:::{location.bucket}/{location.key}"],
        )
        if answer["EvaluationResults"][0]["EvalDecision"] != "allowed":
            raise StreamFault(
                FaultKind.UNAUTHORIZED, f"The role {role_arn} lacks {action} on {location}"
            )


def _where(location: S3Location) -> dict[str, str]:
    where = {"Bucket": location.bucket, "Key": location.key}
    return where | {"VersionId": location.version} if location.version else where


def _document(policy: Any) -> Any:
    # botocore usually parses it; otherwise it is still text.
    return json.loads(unquote(policy)) if isinstance(policy, str) else policy


def _object_fault(error: ClientError | BotoCoreError, location: S3Location) -> StreamFault:
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if code in _MISSING:
        return StreamFault(FaultKind.NOT_FOUND, f"{location} does not exist")
    if code in _DENIED:
        return StreamFault(FaultKind.UNAUTHORIZED, f"{location} may not be read")
    if code in _CHANGED:
        return StreamFault(
            FaultKind.ETAG_MISMATCH, f"{location} is not the object it was when it was pinned"
        )
    return StreamFault(FaultKind.INTERNAL, f"{location} cannot be read: {error}")
