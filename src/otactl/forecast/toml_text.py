"""Reads TOML that a user wrote: every failure is one error, with a message for people.

Python's own reader raises other errors beyond its limits: for an integer with more digits than
``int`` takes, for tables nested beyond the stack. Pure.
"""

from __future__ import annotations

import tomllib
from typing import Any

from pydantic import BaseModel, ConfigDict

#: Characters of a price file or a fleet profile; the longest sensible one has measured quantiles.
MAX_TOML_LENGTH = 256 * 1024
#: Names in one dotted key; the deepest key of these files has three.
_MAX_KEY_DOTS = 64


class Strict(BaseModel):
    """A table of such a file; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TomlFault(ValueError):
    """Raised when a text is not TOML, or exceeds a limit; the message says why."""


def read_toml(text: str) -> dict[str, Any]:
    """Read a TOML text.

    Raises:
        TomlFault: It is not TOML, is longer than ``MAX_TOML_LENGTH``, nests too deeply, or has a
            number of too many digits.
    """
    if len(text) > MAX_TOML_LENGTH:
        raise TomlFault(f"it is longer than {MAX_TOML_LENGTH} characters")
    for number, line in enumerate(text.splitlines(), start=1):
        # Reading a dotted key takes time in the square of its length.
        if line.partition("=")[0].count(".") > _MAX_KEY_DOTS:
            raise TomlFault(f"line {number} nests too deeply")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlFault(f"this is not TOML: {error}") from error
    except RecursionError as error:
        raise TomlFault("it nests too deeply") from error
    except ValueError as error:
        raise TomlFault("it holds a number of too many digits") from error
