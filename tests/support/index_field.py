"""How the fleet index names a reported value."""

from __future__ import annotations

from collections.abc import Sequence

from otactl.model.fleet_query import _escaped
from otactl.model.thing_state import VersionSource


def reported_field(source: VersionSource, path: Sequence[str]) -> str:
    """The indexed field of a reported value, as in ``shadow.reported.version``.

    What is no letter, digit, ``_``, ``-`` or ``.`` is escaped, such as the ``$`` of ``$package``.

    Args:
        source: Its shadow.
        path: The keys below ``reported``.
    """
    shadow = f"shadow.name.{_escaped(source.shadow)}" if source.shadow else "shadow"
    return ".".join((shadow, "reported", *(_escaped(key) for key in path)))
