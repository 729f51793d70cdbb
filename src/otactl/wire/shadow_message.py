"""A device's report to one of its shadows (Developer Guide, device-shadow-mqtt).

``$aws/things/{thing}/shadow/update`` is the classic shadow's topic; that of a named shadow contains
``name/{shadow}``. A ``VersionSource`` gives the paths of version and boot count.
"""

from __future__ import annotations

import json
from typing import Any

from otactl.model.thing_state import VersionSource


def shadow_update_topic(thing_name: str, shadow: str = "") -> str:
    """The topic for updates of a shadow; an empty name means the classic shadow."""
    name = f"name/{shadow}/" if shadow else ""
    return f"$aws/things/{thing_name}/shadow/{name}update"


def encode_version_report(source: VersionSource, version: str | None, boots: int) -> bytes:
    """The update that reports a version and a number of boots.

    An unknown version is left out: null would delete the version reported before.
    """
    reported: dict[str, Any] = {}
    for path, value in ((source.version_path, version), (source.boot_count_path, boots)):
        if path and value is not None:
            node = reported
            for key in path[:-1]:
                node = node.setdefault(key, {})
            node[path[-1]] = value
    return json.dumps({"state": {"reported": reported}}, separators=(",", ":")).encode()
