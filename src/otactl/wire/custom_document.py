"""Reads a user's own job document: strict JSON, so that AWS takes whatever we make of it.

Python reads more than JSON has: NaN and the infinities, which a number such as ``1e400`` becomes
too, and half a surrogate pair, which no UTF-8 can carry. Each would be found by AWS, or by the
journal, when half of a deployment exists already. Of a key that an object has twice Python keeps
the last value and says nothing; here no key of a user is dropped.
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
    """Raised when a text is no job document.

    Args:
        message: What is wrong, to be read behind the document's name: ``is not JSON: …``.
        line: Where, counted from 1, when that is known.
        hint: What to do about it, when that is known.
    """

    def __init__(self, message: str, *, line: int | None = None, hint: str | None = None) -> None:
        super().__init__("InvalidJson", message)
        self.line = line
        self.hint = hint


def read_custom_document(text: str) -> dict[str, Any]:
    """Read a document.

    Raises:
        DocumentFault: It is no JSON object, or holds what JSON cannot say.
    """
    try:
        document = json.loads(
            text.removeprefix(_BYTE_ORDER_MARK),
            parse_constant=_refuse_constant,
            parse_float=_float,
            parse_int=_int,
            object_pairs_hook=_object,
        )
        # Written the way CreateJob is given it.
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
    raise DocumentFault(f"is not JSON: {constant} is no number of JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise DocumentFault(f"holds {digits[:20]}, a number too large to be passed on")
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
