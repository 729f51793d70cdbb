"""The first failure is the one that is raised; a failure of the clean-up is only its note."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def after_failure(act: Callable[[], object]) -> Iterator[None]:
    """If the block fails, clean up; a failure of the clean-up never replaces the first one.

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
