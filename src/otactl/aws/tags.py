"""Tags as the IoT API takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_iot.type_defs import TagTypeDef


def tag_list(tags: Mapping[str, str]) -> list[TagTypeDef]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": text} for key, text in tags.items()]
