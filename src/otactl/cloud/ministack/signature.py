"""Checks that a request is signed with a key of this cloud.

MiniStack checks the signatures of IAM users and STS sessions only where it checks their policies,
which some of its paths do not. It accepts a request without a key, with the key ``test`` or with an
account id as key, unchecked as root. So each request is checked here first, with MiniStack's own
functions: they have the secrets and all kinds of signatures (header, presigned URL, SigV2, SigV4a,
chunked body). A request checked here is not checked again.

The age of a presigned URL is measured in real time, whatever the cloud's clock. boto3 still
presigns S3 URLs with SigV2 in us-east-1. Such a URL contains its expiry time by the client's clock,
and MiniStack compares it with ``time.time()``, which may be the cloud's faster one (ADR 0004:
signatures are checked in real time).

Touched: ``app.pin_signed_request`` and ``core.iam_evaluator._sigv2_check`` are wrapped, and that
module's ``time`` returns real time in ``_sigv2_check``; the ends of STS sessions, which it compares
too, are in cloud time. Used are: from ``core.iam_evaluator`` ``pin_signed_request``,
``pin_signed_body``, ``authenticate``, ``resolve_credential``, ``is_root_access_key`` and
``find_iam_access_key_account``; from ``core.sigv4`` ``parse_query_signature`` and
``header_signature_failure``, which caches derived signing keys;
``core.router.extract_access_key_id``, which finds the key as MiniStack does, and
``detect_service``; ``app._credential_failure``, which writes a refusal in the service's form.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote

from ministack import app
from ministack.core import iam_evaluator, router, sigv4
from ministack.core.responses import _account_from_sts_session, request_scope

from otactl.cloud.asgi import Refusal
from otactl.cloud.ministack.shape import Changes, bound, require, require_parameters, require_source

#: Whether this task's request has been checked, and is not a presigned one.
_is_checked: ContextVar[bool] = ContextVar("is_checked", default=False)
#: Whether the clock of signatures is real.
_is_real: ContextVar[bool] = ContextVar("is_real", default=False)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNKNOWN_KEY = (
    "The security token included in the request is invalid. "
    "This cloud accepts the keys that `otactl local env` prints."
)
_OTHER_BODY = "The provided 'x-amz-content-sha256' header does not match what was computed."


@dataclass(frozen=True, slots=True)
class SignatureCheck:
    """See the module.

    Args:
        account_id: Of the cloud, for keys whose account is not found.
        region: For requests whose signature has none.
    """

    account_id: str
    region: str

    def refusal(self, scope: Any, body: bytes) -> Refusal | None:
        """Why a request is refused; None if its signature is valid.

        Args:
            scope: The ASGI scope of an HTTP request or of a WebSocket's handshake.
            body: The whole body; empty for a handshake.
        """
        _is_checked.set(False)
        request = _Request.of(scope)
        with request_scope(self.account_id, self.region):
            failure = self._failure(request, body)
        if failure is None:
            return None
        service = router.detect_service(
            request.method, scope["path"], request.headers, request.query
        )
        status, headers, answer = app._credential_failure(
            service, "", "", iam_evaluator.AuthError(*failure), request.headers
        )
        body = answer if isinstance(answer, bytes) else str(answer).encode()
        return Refusal(status, dict(headers), body)

    def _failure(  # one for each way to be refused
        self, request: _Request, body: bytes
    ) -> tuple[str, str] | None:
        key = router.extract_access_key_id(request.headers, request.query)
        if not key:
            return "MissingAuthenticationToken", "Request is missing Authentication Token"
        if iam_evaluator.is_root_access_key(key):
            return "UnrecognizedClientException", _UNKNOWN_KEY
        if not _is_hash_of(request.headers.get("x-amz-content-sha256", ""), body):
            return "XAmzContentSHA256Mismatch", _OTHER_BODY
        try:
            account_id = iam_evaluator.find_iam_access_key_account(key) or self.account_id
        except iam_evaluator.AmbiguousAccessKeyError:
            return "UnrecognizedClientException", _UNKNOWN_KEY
        if iam_evaluator._s3_presigned_query(request.query) and not request.is_header_signed:
            return _presigned_failure(request, key, account_id)
        return _signed_failure(request, body, key, account_id)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as MiniStack reads it from the ASGI scope."""

    method: str
    raw_path: str
    headers: Mapping[str, str]
    raw_headers: list[tuple[bytes, bytes]]
    query: dict[str, list[str]]

    @property
    def is_header_signed(self) -> bool:
        return "authorization" in self.headers

    @classmethod
    def of(cls, scope: Any) -> _Request:
        headers: dict[str, str] = {}
        for raw_name, raw in scope["headers"]:
            name, text = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(raw)
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        query = scope.get("query_string", b"").decode("utf-8", "replace")
        return cls(
            method=scope.get("method", "GET"),
            raw_path=raw_path.decode("latin-1"),
            headers=headers,
            raw_headers=list(scope["headers"]),
            query=parse_qs(query, keep_blank_values=True),
        )


def install(changes: Changes) -> None:
    """Check that MiniStack checks signatures as expected, and skip its second check.

    If this raises, the cloud must not be served.
    """
    require_parameters(
        iam_evaluator.pin_signed_request, "method", "raw_path", "query_params", "raw_headers"
    )
    require_parameters(iam_evaluator.pin_signed_body, "body")
    require_parameters(iam_evaluator.authenticate, "access_key_id", "account_id")
    require_parameters(
        iam_evaluator.resolve_credential, "access_key_id", "account_id", "session_token"
    )
    require_parameters(iam_evaluator.is_root_access_key, "access_key_id")
    require_parameters(iam_evaluator.find_iam_access_key_account, "access_key_id")
    require_parameters(iam_evaluator._s3_presigned_query, "query_params")
    require_parameters(
        sigv4.header_signature_failure,
        *("signature", "secret", "method", "raw_path", "query_params", "headers", "body"),
    )
    require_parameters(router.extract_access_key_id, "headers", "query_params")
    require_parameters(
        app._credential_failure, "service", "iam_action", "request_id", "denied", "headers"
    )
    require(
        app.pin_signed_request is iam_evaluator.pin_signed_request,
        "app.pin_signed_request as imported",
    )

    @changes.around(app, "pin_signed_request")
    def pin_unless_checked(pin: Any, *arguments: Any, **options: Any) -> None:
        if not _is_checked.get():
            pin(*arguments, **options)


def _signed_failure(
    request: _Request, body: bytes, key: str, account_id: str
) -> tuple[str, str] | None:
    iam_evaluator.pin_signed_request(
        request.method, request.raw_path, request.query, request.raw_headers
    )
    iam_evaluator.pin_signed_body(body)
    found = iam_evaluator.authenticate(key, account_id)
    if found is None:
        return "IncompleteSignature", "The request names a key and has no signature"
    if isinstance(found, iam_evaluator.AuthError):
        return found.code, found.message
    _is_checked.set(True)
    return None


def _presigned_failure(request: _Request, key: str, account_id: str) -> tuple[str, str] | None:
    """What is wrong with the signature of an S3 URL. S3 itself checks its age."""
    signature = sigv4.parse_query_signature(request.query)
    if isinstance(signature, tuple):
        return signature
    token = (request.query.get("X-Amz-Security-Token") or [""])[0]
    credential = iam_evaluator.resolve_credential(
        key, _account_from_sts_session(key) or account_id, token
    )
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return credential.code, credential.message
    failure: tuple[str, str] | None = sigv4.header_signature_failure(
        signature,
        credential.secret_access_key,
        request.method,
        request.raw_path,
        request.query,
        request.headers,
        b"",
        presigned=True,
    )
    return failure


def _is_hash_of(given: str, body: bytes) -> bool:
    """Whether a payload hash is the body's; true for words such as UNSIGNED-PAYLOAD."""
    return not _SHA256.fullmatch(given) or hashlib.sha256(body).hexdigest() == given


class _Time:
    """Replaces the module ``time`` in one module of MiniStack."""

    def time(self) -> float:
        """Epoch seconds: real time in a SigV2 check, else the cloud's."""
        return datetime.now(UTC).timestamp() if _is_real.get() else time.time()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def keep_real_age(changes: Changes) -> None:
    """Compare the expiry of presigned URLs with real time."""
    require_source(iam_evaluator._sigv2_check, "int(signed_date) < time.time()")
    require(iam_evaluator.time is time, "iam_evaluator.time to be the module time")
    changes.put(iam_evaluator, "time", _Time())

    @changes.within(iam_evaluator, "_sigv2_check", "request", "account_id")
    def in_real_time(*_: Any) -> AbstractContextManager[None]:
        return bound(_is_real, True)  # noqa: FBT003  # the value itself

    @changes.within(iam_evaluator, "resolve_credential")
    def in_cloud_time(*_: Any, **_options: Any) -> AbstractContextManager[None]:
        return bound(_is_real, False)  # noqa: FBT003  # the value itself
