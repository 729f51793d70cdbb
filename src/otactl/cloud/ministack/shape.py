"""How MiniStack is adapted: what an adaptation expects of it is checked, then changed as a whole.

An adaptation is a function that takes ``Changes`` and notes there what it puts in the place of
MiniStack's own. All that it relies on is required; if MiniStack is another by now, ShapeChanged is
raised (or AttributeError, where something is gone), and nothing of that adaptation is put in place.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import CodeType
from typing import Any, TypeVar

T = TypeVar("T")

_log = logging.getLogger("otactl.cloud.ministack")


class ShapeChanged(Exception):
    """Raised when MiniStack is not what an adaptation was written for."""


class Changes:
    """What one adaptation puts in the place of MiniStack's own."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self._items: list[tuple[dict[str, Any], str, Any]] = []

    def put(self, owner: Any, name: str, replacement: Any, *parameters: str) -> None:
        """Replace something of a module or class.

        Args:
            owner: A module or class.
            name: Of what is replaced.
            replacement: Put there.
            parameters: What the parameters of the function of that name must begin with.
        """
        if parameters:
            require_parameters(getattr(owner, name), *parameters)
        self._changes[id(owner), name] = owner, name, replacement

    def put_item(self, table: dict[str, Any], key: str, replacement: Any) -> None:
        """Replace an entry of a dictionary."""
        self._items.append((table, key, replacement))

    def around(self, owner: Any, name: str, *parameters: str) -> Callable[[Any], Any]:
        """Wrap a function of a module or class by the decorated one.

        That is called with the function before all that MiniStack calls it with.

        Args:
            owner: A module or class.
            name: Of the function.
            parameters: What the function's own parameters must begin with.
        """
        *_, function = self._changes.get((id(owner), name)) or (getattr(owner, name),)
        require_parameters(function, *parameters)

        def put(wrapper: Any) -> Any:
            @functools.wraps(function)
            def wrapped(*arguments: Any, **options: Any) -> Any:
                return wrapper(function, *arguments, **options)

            self.put(owner, name, wrapped)
            return wrapper

        return put

    def within(self, owner: Any, name: str, *parameters: str) -> Callable[[Any], Any]:
        """Run a function in the context that the decorated one makes of what it is called with.

        The arguments are those of ``around``.
        """
        is_async = inspect.iscoroutinefunction(inspect.unwrap(getattr(owner, name)))

        def put(context: Callable[..., AbstractContextManager[None]]) -> Any:
            def run(function: Any, *arguments: Any, **options: Any) -> Any:
                with context(*arguments, **options):
                    return function(*arguments, **options)

            async def run_async(function: Any, *arguments: Any, **options: Any) -> Any:
                with context(*arguments, **options):
                    return await function(*arguments, **options)

            self.around(owner, name, *parameters)(run_async if is_async else run)
            return context

        return put

    def apply(self) -> None:
        """Put everything in place."""
        for owner, name, replacement in self._changes.values():
            setattr(owner, name, replacement)
        for table, key, replacement in self._items:
            table[key] = replacement


def adapt(adaptation: Callable[[Changes], None]) -> None:
    """Put an adaptation in place, all of it or nothing.

    Raises:
        ShapeChanged: MiniStack is not what it was written for.
        AttributeError: The same.
    """
    changes = Changes()
    adaptation(changes)
    changes.apply()


def adapt_if_it_fits(name: str, adaptation: Callable[[Changes], None]) -> str | None:
    """Put an adaptation in place; if it does not fit, the cloud starts without it.

    Returns:
        Why it does not fit, which the log says too; None if it does.
    """
    try:
        adapt(adaptation)
    except (ShapeChanged, AttributeError) as error:
        _log.warning("this MiniStack is not the one expected, so we lack %s: %s", name, error)
        return str(error)
    return None


@contextmanager
def bound(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Let a context variable have a value while the block runs."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


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
    count = _source(function).count(text)
    require(
        count == 1, f"{text!r} once in {function.__module__}.{function.__qualname__}, found {count}"
    )


def _source(function: Callable[..., Any]) -> str:
    """A function's source by the positions of its code; inspect would tokenize for the same."""
    code = inspect.unwrap(function).__code__
    codes = [code]
    last = 0
    while codes:
        one = codes.pop()
        last = max(last, *(end or 0 for _, end, _, _ in one.co_positions()))
        codes.extend(inner for inner in one.co_consts if isinstance(inner, CodeType))
    return "".join(linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : last])
