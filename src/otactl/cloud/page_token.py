"""Tokens for the next page of a list: the list's name, and the position of the page."""

from __future__ import annotations

import base64
import re


def page_token(of: str, position: int) -> str:
    """The token of a page."""
    return base64.urlsafe_b64encode(f"{of}:{position}".encode()).decode()


def read_token(of: str, token: str | None) -> int | None:
    """The position of a page, 0 without a token; None if the token is not one of this list."""
    if token is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(token).decode()
    except ValueError:
        return None
    found = re.fullmatch(rf"{of}:(\d{{1,12}})", text, re.ASCII)
    return int(found[1]) if found else None
