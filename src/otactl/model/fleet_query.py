"""Queries of the fleet index (AWS IoT Developer Guide, query-syntax; botocore ``iot`` SearchIndex).

Terms are combined with AND, which is also what stands between terms without a word; NOT excludes
one. Names of fields are case sensitive, values are not. A query of otactl has at most
``MAX_TERMS`` terms: the guide allowed five for years and says twelve today.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from otactl.model.thing_state import VersionSource

MAX_TERMS = 5
#: Things on a page of SearchIndex: the service's most.
PAGE = 100
#: Calls of SearchIndex a second: the quota of an account (AWS IoT Device Management quotas).
CALLS_PER_SECOND = 15

#: The term for things that are not connected, or never were.
NOT_CONNECTED = "NOT connectivity.connected:true"

_SPECIAL = re.compile(r"[^A-Za-z0-9_.-]")


def reported_field(source: VersionSource, path: Sequence[str]) -> str:
    """The indexed field of a reported value, as in ``shadow.reported.version``.

    What is no letter, digit, ``_``, ``-`` or ``.`` is escaped, such as the ``$`` of ``$package``.

    Args:
        source: Its shadow.
        path: The keys below ``reported``.
    """
    shadow = f"shadow.name.{_escaped(source.shadow)}" if source.shadow else "shadow"
    return ".".join((shadow, "reported", *(_escaped(key) for key in path)))


def term(field: str, value: str) -> str:
    """One term: a field has this very value, whatever characters that has."""
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}:"{text}"'


def in_group(group_name: str) -> str:
    """The term for the things of a group."""
    return term("thingGroupNames", group_name)


def named_like(prefix: str) -> str:
    """The term for the things whose name begins so; with an empty prefix, for every thing."""
    return f"thingName:{_escaped(prefix)}*"


def query(*terms: str) -> str:
    """Terms that hold all together; ``NOT `` before one excludes what it finds."""
    return " AND ".join(terms)


def _escaped(key: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", key)
