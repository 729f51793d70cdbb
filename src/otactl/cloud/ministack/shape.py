"""How MiniStack is adapted: first check what an adaptation expects, then install all of it.

An adaptation is a function that takes ``Changes`` and records there what it replaces in MiniStack.
It requires everything that it relies on. If MiniStack differs, ShapeChanged is raised (or
AttributeError, if a name is missing), and nothing of that adaptation is installed.
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
    """Raised when MiniStack differs from what an adaptation expects."""


class Changes:
    """The replacements of one adaptation."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        self._items: list[tuple[dict[str, Any], str, Any]] = []

    def put(self, owner: Any, name: str, replacement: Any, *parameters: str) -> None:
        """Replace an attribute of a module or class.

        Args:
            owner: A module or class.
            name: Of the attribute.
            replacement: Its new value.
            parameters: The required first parameters of the replaced function.
        """
        if parameters:
            require_parameters(getattr(owner, name), *parameters)
        self._changes[id(owner), name] = owner, name, replacement

    def put_item(self, table: dict[str, Any], key: str, replacement: Any) -> None:
        """Replace an entry of a dictionary."""
        self._items.append((table, key, replacement))

    def around(self, owner: Any, name: str, *parameters: str) -> Callable[[Any], Any]:
        """Wrap a function of a module or class with the decorated one.

        The wrapper gets the wrapped function as its first argument, then MiniStack's arguments.

        Args:
            owner: A module or class.
            name: Of the function.
            parameters: The required first parameters of the wrapped function.
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
        """Run a function in a context manager, which the decorated function returns.

        That gets the arguments of the call. The arguments here are those of ``around``.
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
        """Install everything."""
        for owner, name, replacement in self._changes.values():
            setattr(owner, name, replacement)
        for table, key, replacement in self._items:
            table[key] = replacement


def adapt(adaptation: Callable[[Changes], None]) -> None:
    """Install an adaptation, all of it or nothing.

    Raises:
        ShapeChanged: MiniStack differs from what it expects.
        AttributeError: The same.
    """
    changes = Changes()
    adaptation(changes)
    changes.apply()


def adapt_if_it_fits(name: str, adaptation: Callable[[Changes], None]) -> str | None:
    """Install an adaptation; if it does not fit, log this and continue without it.

    Returns:
        Why it does not fit; None if it does.
    """
    try:
        adapt(adaptation)
    except (ShapeChanged, AttributeError) as error:
        _log.warning("this MiniStack differs from the expected one; missing: %s (%s)", name, error)
        return str(error)
    return None


@contextmanager
def bound(variable: ContextVar[T], value: T) -> Iterator[None]:
    """Set a context variable while the block runs."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


def require(holds: bool, expectation: str) -> None:  # noqa: FBT001  # reads like assert
    """Raise ShapeChanged unless ``holds`` is true.

    Args:
        holds: The result of a check.
        expectation: What is expected, for the log.
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
    """Raise ShapeChanged unless a function's source contains a text exactly once."""
    count = _source(function).count(text)
    require(
        count == 1, f"{text!r} once in {function.__module__}.{function.__qualname__}, found {count}"
    )


def _source(function: Callable[..., Any]) -> str:
    """A function's source, from the positions of its code; faster than inspect, which tokenizes."""
    code = inspect.unwrap(function).__code__
    codes = [code]
    last = 0
    while codes:
        one = codes.pop()
        last = max(last, *(end or 0 for _, end, _, _ in one.co_positions()))
        codes.extend(inner for inner in one.co_consts if isinstance(inner, CodeType))
    return "".join(linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : last])
