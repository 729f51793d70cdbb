"""What the package index shows: the README with addresses instead of paths, and the project's own.

Where the project lies is known to whoever publishes it, not to the source: with
``OTACTL_PROJECT_URL=https://…`` in the environment of the build, links and pictures of the README
lead there, and the metadata name it. Without it the README is taken as it is.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class PublishedMetadata(MetadataHookInterface):
    """Fills in what ``dynamic`` in pyproject.toml leaves open."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the README and the addresses."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        address = os.environ.get("OTACTL_PROJECT_URL", "").rstrip("/")
        if address:
            metadata["urls"] = {
                "Source": address,
                "Documentation": f"{address}/tree/main/docs",
                "Changelog": f"{address}/blob/main/CHANGELOG.md",
            }
            text = absolute_links(text, address)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def absolute_links(text: str, address: str) -> str:
    """The same Markdown, with links and pictures that lead to the project."""
    return _LINK.sub(
        lambda found: (
            f"{found[1]}[{found[2]}]({address}/{'raw' if found[1] else 'blob'}/main/{found[3]})"
        ),
        text,
    )
