"""The age of a presigned URL in real time, whatever the cloud's clock.

boto3 still presigns S3 URLs by SigV2 in us-east-1. Such a URL names the moment of its end by the
client's clock, and MiniStack compares it with ``time.time()``, which may be the cloud's faster one
(ADR 0004: signatures hold in real time).

Touched: ``ministack.core.iam_evaluator._sigv2_check`` is wrapped, and the module's ``time`` shows
it real time; the ends of STS sessions, which it compares as well, are the cloud's.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator

from otactl.cloud.ministack.shape import require, require_parameters, require_source

_is_real: ContextVar[bool] = ContextVar("is_real", default=False)


class _Time:
    """Stands in for the module ``time`` in one module of MiniStack."""

    def time(self) -> float:
        """Epoch seconds: real ones in a check of SigV2, else the cloud's."""
        return datetime.now(UTC).timestamp() if _is_real.get() else time.time()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack checks SigV2 in another way.
    """
    check, resolve = iam_evaluator._sigv2_check, iam_evaluator.resolve_credential
    require_parameters(check, "request", "account_id")
    require_source(check, "int(signed_date) < time.time()")
    require(iam_evaluator.time is time, "iam_evaluator.time to be the module time")

    def sigv2_check(request: Any, account_id: str) -> Any:
        token = _is_real.set(True)
        try:
            return check(request, account_id)
        finally:
            _is_real.reset(token)

    def resolve_credential(*arguments: Any, **options: Any) -> Any:
        token = _is_real.set(False)
        try:
            return resolve(*arguments, **options)
        finally:
            _is_real.reset(token)

    iam_evaluator.time = _Time()
    iam_evaluator._sigv2_check = sigv2_check
    iam_evaluator.resolve_credential = resolve_credential
