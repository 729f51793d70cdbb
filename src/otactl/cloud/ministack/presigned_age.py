"""The age of a presigned URL in real time, whatever the cloud's clock.

boto3 still presigns S3 URLs by SigV2 in us-east-1. Such a URL names the moment of its end by the
client's clock, and MiniStack compares it with ``time.time()``, which may be the cloud's faster one
(ADR 0004: signatures hold in real time).

Touched: ``ministack.core.iam_evaluator._sigv2_check`` is wrapped, and the module's ``time`` shows
it real time; the ends of STS sessions, which it compares as well, are the cloud's.
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator

from otactl.cloud.ministack.shape import Changes, bound, require, require_source

_is_real: ContextVar[bool] = ContextVar("is_real", default=False)


class _Time:
    """Stands in for the module ``time`` in one module of MiniStack."""

    def time(self) -> float:
        """Epoch seconds: real ones in a check of SigV2, else the cloud's."""
        return datetime.now(UTC).timestamp() if _is_real.get() else time.time()

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def install(changes: Changes) -> None:
    """Put it in place."""
    require_source(iam_evaluator._sigv2_check, "int(signed_date) < time.time()")
    require(iam_evaluator.time is time, "iam_evaluator.time to be the module time")
    changes.put(iam_evaluator, "time", _Time())

    @changes.around(iam_evaluator, "_sigv2_check", "request", "account_id")
    def sigv2_check(check: Any, request: Any, account_id: str) -> Any:
        with bound(_is_real, True):  # noqa: FBT003  # the value itself
            return check(request, account_id)

    @changes.around(iam_evaluator, "resolve_credential")
    def resolve_credential(resolve: Any, *arguments: Any, **options: Any) -> Any:
        with bound(_is_real, False):  # noqa: FBT003  # the value itself
            return resolve(*arguments, **options)
