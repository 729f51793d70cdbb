"""Reads a user's own job document: strict JSON, so that AWS accepts what we make of it.

Python accepts more than JSON allows: NaN, infinities (``1e400`` becomes one) and half a surrogate
pair, which cannot be encoded in UTF-8. AWS or the journal would refuse these only after half of a
deployment exists. If an object has a key twice, Python silently keeps the last value; here it is an
error, so that no key of a user is dropped.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, NoReturn

from otactl.wire.error import WireError

_BYTE_ORDER_MARK = "\ufeff"
#: Python's own limit on the digits of a whole number (``sys.get_int_max_str_digits``).
_MAX_DIGITS = 4300


class DocumentFault(WireError):
    """Raised when a text is not a valid job document.

    Args:
        message: What is wrong; it continues the document's name: ``is not JSON: …``.
        line: The line, counted from 1; None if unknown.
        hint: How to fix it; None if unknown.
    """

    def __init__(self, message: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__("InvalidJson", message)
        self.line = line
        self.hint = hint


def read_custom_document(text: str) -> dict[str, Any]:
    """Read a document.

    Raises:
        DocumentFault: It is not a JSON object, or has a value that JSON does not allow.
    """
    try:
        document = json.loads(
            text.removeprefix(_BYTE_ORDER_MARK),
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
        # Encode it as for CreateJob.
        json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DocumentFault(
            f"is not JSON: {error.msg} at column {error.colno}",
            line=error.lineno,
            hint=_hint(error),
        ) from error
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise DocumentFault(
            f"holds {half}, half of a character", hint="write the character itself"
        ) from error
    except RecursionError as error:
        raise DocumentFault("is nested too deeply") from error
    if not isinstance(document, dict):
        raise DocumentFault("is JSON, but not an object: {…} is needed", line=1)
    return document


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        counts = Counter(name for name, _ in members)
        twice = next(name for name, count in counts.items() if count > 1)
        raise DocumentFault(
            f"has the key {twice!r} twice in one object", hint="keep the one that is meant"
        )
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise DocumentFault(f"is not JSON: {constant} is not a JSON number")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise DocumentFault(f"holds {digits[:20]}, a number that is too large")
    return number


def _int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise DocumentFault(f"holds a number of {len(digits)} digits")
    return int(digits)


def _hint(error: json.JSONDecodeError) -> str | None:
    before = error.doc[: error.pos].rstrip()
    after = error.doc[error.pos :].lstrip()
    if before.endswith(",") and after[:1] in ("}", "]"):
        return "take out the comma in front of it"
    return None
