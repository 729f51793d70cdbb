"""What our adaptations of MiniStack expect of it, checked before they are put in place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class ShapeChanged(Exception):
    """Raised when MiniStack is not what an adaptation was written for."""


def require(holds: bool, expectation: str) -> None:  # noqa: FBT001  # reads like assert
    """Raise ShapeChanged unless it holds.

    Args:
        holds: What was found.
        expectation: What should be, for the log.
    """
    if not holds:
        raise ShapeChanged(f"expected {expectation}")


def require_parameters(function: Callable[..., Any], *names: str) -> None:
    """Raise ShapeChanged unless a function's parameters begin with these names."""
    found = tuple(inspect.signature(function).parameters)
    require(
        found[: len(names)] == names,
        f"{function.__module__}.{function.__qualname__}({', '.join(names)}, …), "
        f"found ({', '.join(found)})",
    )


def require_source(function: Callable[..., Any], text: str) -> None:
    """Raise ShapeChanged unless a text stands in a function's source exactly once."""
    count = inspect.getsource(function).count(text)
    require(
        count == 1, f"{text!r} once in {function.__module__}.{function.__qualname__}, found {count}"
    )
