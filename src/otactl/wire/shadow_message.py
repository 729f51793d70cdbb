"""What a device reports of itself to one of its shadows (Developer Guide, device-shadow-mqtt).

``$aws/things/{thing}/shadow/update`` is the classic shadow's topic; a named shadow has
``name/{shadow}`` in it. Version and boots stand where a ``VersionSource`` says.
"""

from __future__ import annotations

import json
from typing import Any

from otactl.model.thing_state import VersionSource


def shadow_update_topic(thing_name: str, shadow: str = "") -> str:
    """Where updates of a shadow are published; an empty name is the classic shadow's."""
    name = f"name/{shadow}/" if shadow else ""
    return f"$aws/things/{thing_name}/shadow/{name}update"


def encode_version_report(source: VersionSource, version: str | None, boots: int) -> bytes:
    """The update that reports a version and a number of boots.

    A version that is not known is left out: null would delete what was reported before.
    """
    reported: dict[str, Any] = {}
    for path, value in ((source.version_path, version), (source.boot_count_path, boots)):
        if path and value is not None:
            node = reported
            for key in path[:-1]:
                node = node.setdefault(key, {})
            node[path[-1]] = value
    return json.dumps({"state": {"reported": reported}}, separators=(",", ":")).encode()
