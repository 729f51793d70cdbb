"""The objects of ``--output json``, as types.

mypy checks the code against them, and the JSON Schemas in ``docs/schemas`` are made from them
(``make schemas``).

Every object has a ``schemaVersion`` beside its fields. Names are those of the JSON. ``shaping``
fills an object from a value as its type says. Import these types only where JSON is written: it
takes some milliseconds.
"""

from __future__ import annotations

#: Grows when a field of an object is removed or changes its meaning; not when one is added.
SCHEMA_VERSION = 1
