"""For `make docs`: what the site cannot hold, since it lies outside of docs.

A link to a file of the project leads to where the project is published, when the environment says
where (``OTACTL_PROJECT_URL``, as for the wheel); otherwise its words stand alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
_LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)\s]+)\)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Rewrite the links of a page (called by mkdocs)."""
    return inside_links(markdown, Path(page.file.abs_src_path).parent)


def inside_links(markdown: str, folder: Path) -> str:
    """The same text, with no relative link out of docs.

    Args:
        markdown: Of a page.
        folder: Where the page lies.
    """
    address = os.environ.get("OTACTL_PROJECT_URL", "").rstrip("/")

    def written(found: re.Match[str]) -> str:
        target, _, part = found[2].partition("#")
        path = (folder / target).resolve()
        if path.is_relative_to(DOCS):
            return found[0]
        if not address:
            return found[1]
        inside = path.relative_to(DOCS.parent)
        return f"[{found[1]}]({address}/blob/main/{inside}{'#' if part else ''}{part})"

    return _LINK.sub(written, markdown)
