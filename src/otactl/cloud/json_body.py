"""The JSON object in a body that came from outside."""

from __future__ import annotations

import json
from typing import Any


def json_object(body: bytes) -> dict[str, Any] | None:
    """The fields of a body, none of an empty one; None if it is no JSON object."""
    try:
        fields = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
