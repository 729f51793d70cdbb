"""Translates botocore's exceptions into otactl's, once, in the adapters.

``@translated("iot")`` on an adapter's method turns ``ClientError`` and ``BotoCoreError`` into the
errors of ``otactl.errors`` with the operation's name and, if known, a hint what to do. With
``@translated("iot", {MISSING: None})`` the method returns None if the service reports that the
resource does not exist.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from otactl.errors import (
    AwsRefused,
    AwsUnreachable,
    CredentialsUnusable,
    OtactlError,
    TableMissing,
    UserMistake,
)

P = ParamSpec("P")
R = TypeVar("R")

#: Codes that are often an answer and not an error.
MISSING, EXISTS = "ResourceNotFoundException", "ResourceAlreadyExistsException"

_DENIED = "the credentials lack this permission; `otactl iam FILE` prints what is needed"
_EXPIRED = "the session has expired: sign in again, then `otactl resume`"
_HINTS = {
    "AccessDenied": _DENIED,
    "AccessDeniedException": _DENIED,
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "UnrecognizedClientException": "AWS does not know these credentials; check --profile",
    "InvalidClientTokenId": "AWS does not know these credentials; check --profile",
    "NoSuchBucket": "create the bucket, or correct `bucket` in [DEFAULT]",
}

_NO_TABLE = "check --table and --region, or create it with `otactl queue init`"

_TRANSIENT = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
    | {"SlowDown", "ServiceUnavailable", "ServiceUnavailableException", "InternalFailure"}
    | {"InternalFailureException", "InternalError", "InternalServerError", "RequestTimeout"}
    | {"ProvisionedThroughputExceededException", "500", "502", "503", "504"}
)

_SIGN_IN = "no usable AWS credentials; see `aws configure` and `aws sso login`"
_UNUSABLE = {
    NoCredentialsError: _SIGN_IN,
    PartialCredentialsError: _SIGN_IN,
    CredentialRetrievalError: _SIGN_IN,
    TokenRetrievalError: _SIGN_IN,
    UnauthorizedSSOTokenError: _SIGN_IN,
    ProfileNotFound: "`aws configure list-profiles` lists them",
    NoRegionError: "use --region or AWS_REGION",
}


def translate(error: Exception, service: str, operation: str = "") -> OtactlError:
    """The error of otactl for one of botocore's.

    Args:
        error: What botocore raised.
        service: The service's name as IAM spells it, ``iot``.
        operation: The operation called, if the error itself does not have it.
    """
    if isinstance(error, ClientError):
        return _translate_answer(error, service)
    for kind, hint in _UNUSABLE.items():
        if isinstance(error, kind):
            return CredentialsUnusable(str(error), hint=hint)
    name = f"{service}:{operation}"
    if isinstance(error, BotocoreConnectionError | HTTPClientError):
        hint = "is the network up, and --endpoint-url right?"
        # The operation does not matter if the network is down.
        return AwsUnreachable(service, type(error).__name__, str(error), hint=hint)
    if isinstance(error, ValueError):
        # botocore raises it for an endpoint that is not a URL.
        return UserMistake(
            str(error), hint="an endpoint is a URL: correct --endpoint-url or AWS_ENDPOINT_URL"
        )
    return AwsRefused(name, type(error).__name__, str(error))


def _translate_answer(error: ClientError, service: str) -> AwsRefused:
    answer = error.response.get("Error", {})
    code = str(answer.get("Code", "Unknown"))
    message = str(answer.get("Message") or error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    name = f"{service}:{error.operation_name}"
    if (service, code) == ("dynamodb", "ResourceNotFoundException"):
        return TableMissing(name, code, message, hint=_NO_TABLE, status=status)
    kind = AwsUnreachable if code in _TRANSIENT else AwsRefused
    return kind(name, code, message, hint=_HINTS.get(code), status=status)


def translated(
    service: str, answers: Mapping[str, object] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Translate botocore's errors in the decorated function or generator.

    Args:
        service: The service's name as IAM spells it.
        answers: The values that the function returns for error codes that are answers.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except (ClientError, BotoCoreError) as error:
                if answers and isinstance(error, ClientError):
                    code = error.response.get("Error", {}).get("Code", "")
                    if code in answers:
                        return cast("R", answers[code])
                raise translate(error, service, function.__name__) from error

        @functools.wraps(function)
        def generate(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                yield from cast("Iterator[Any]", function(*args, **kwargs))
            except (ClientError, BotoCoreError) as error:
                raise translate(error, service, function.__name__) from error

        return generate if inspect.isgeneratorfunction(function) else call

    return decorate
