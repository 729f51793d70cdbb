"""The failure that came first is the one the user reads; what fails after it is only noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def after_failure(act: Callable[[], object]) -> Iterator[None]:
    """If the block fails, clean up after it; that this fails too never replaces the failure.

    Args:
        act: The clean-up. What it raises becomes a note of the failure (``__notes__``).
    """
    try:
        yield
    except BaseException as first:
        try:
            act()
        except Exception as second:  # noqa: BLE001 - whatever it is, the first one counts
            first.add_note(f"cleaning up failed too: {second}")
        raise
