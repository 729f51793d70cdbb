"""Queries of the fleet index (AWS IoT Developer Guide, query-syntax; botocore ``iot`` SearchIndex).

Terms are combined with AND, which is also the default operator; NOT excludes
one. Names of fields are case sensitive, values are not. A query of otactl has at most five terms:
the guide allowed no more for years and says twelve today.
"""

from __future__ import annotations

import re

#: Things on a page of SearchIndex: the service's maximum.
PAGE = 100
#: Calls of SearchIndex a second: the quota of an account (AWS IoT Device Management quotas).
CALLS_PER_SECOND = 15

#: The term for things that are not connected, or never were.
NOT_CONNECTED = "NOT connectivity.connected:true"

_SPECIAL = re.compile(r"[^A-Za-z0-9_.-]")


def term(field: str, value: str) -> str:
    """One term: a field has exactly this value; special characters are escaped."""
    text = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}:"{text}"'


def in_group(group_name: str) -> str:
    """The term for the things of a group."""
    return term("thingGroupNames", group_name)


def named_like(prefix: str) -> str:
    """The term for the things whose name begins so; with an empty prefix, for every thing."""
    return f"thingName:{_escaped(prefix)}*"


def query(*terms: str) -> str:
    """All terms combined with AND; ``NOT `` before a term excludes what it finds."""
    return " AND ".join(terms)


def _escaped(key: str) -> str:
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", key)
