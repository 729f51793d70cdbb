"""What every section's model has in common, and how its keys are declared.

One declaration per key: its spelling, its kind, its default, the AWS field it becomes, a
sentence about it and a value to copy. Reading, ``otactl config explain``, the template and the
reference all use it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

#: ``becomes`` of a key that AWS never sees.
OF_OTACTL = "otactl itself"


class Section(BaseModel):
    """One section of a ``dev.ini`` with typed values. A field's alias is the key in the file."""

    model_config = ConfigDict(extra="forbid", populate_by_name=False, arbitrary_types_allowed=True)


def key(
    name: str,
    *,
    about: str,
    becomes: str = OF_OTACTL,
    example: str | None = None,
    ours: bool = False,
    also: str | None = None,
    **default: Any,
) -> Any:
    """Declare a key.

    Args:
        name: As the manual spells it.
        about: What it does, one or two sentences.
        becomes: The AWS operation and field it goes to, or what otactl does with it.
        example: A value worth copying; a placeholder in ``<>`` where only the user knows it; the
            default if it is left out.
        ours: Whether the manual lacks it, though it has the section.
        also: Another spelling that is accepted.
        **default: ``default=…`` makes the key optional.
    """
    return Field(
        alias=name,
        description=about,
        json_schema_extra={"becomes": becomes, "example": example, "ours": ours, "also": also},
        **default,
    )
