"""Placeholders in a job document, which AWS IoT replaces on each delivery to a device.

| rule | source |
|---|---|
| a presigned URL needs a role to sign with: ``presignedUrlConfig`` | Developer Guide, |
| | create-manage-jobs; aws-facts I1 |
| at most 10 substitutions in one document | aws-facts A1 (DG19 limits-iot) |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from otactl.wire.custom_document import DocumentFault
from otactl.wire.image_value import URL

MAX_SUBSTITUTIONS = 10
#: Wider than what AWS IoT replaces today: what begins like a placeholder must be a known one.
START = re.compile(r"\$\s*\{\s*aws", re.IGNORECASE)
_PLAIN = r'[^\s"\\${}]+'
PRESIGNED = re.compile(rf"\$\{{aws:iot:s3-presigned-url:(?P<url>https://{_PLAIN})\}}")
SIGNATURE = re.compile(
    rf"\$\{{aws:iot:code-sign-signature:s3://[a-z0-9-]+\.(?P<bucket>[a-z0-9.-]+)/(?P<key>{_PLAIN})\}}"
)
_PRESIGNS = re.compile(r"\$\s*\{\s*aws:iot:s3-presigned-url", re.IGNORECASE)
#: What each delivery substitutes, otactl's own placeholder of a URL included.
_SUBSTITUTED = re.compile(rf"{START.pattern}|{re.escape(URL)}", re.IGNORECASE)


def placeholder_faults(
    document: Mapping[str, Any], text: str, *, presigns: bool, own: Mapping[str, int]
) -> Iterator[DocumentFault]:
    """What keeps AWS IoT from replacing the placeholders of a custom document.

    Args:
        document: The document.
        text: As it stands in its file, to find the lines.
        presigns: Whether the job has a role that presigns.
        own: The keys that otactl merges in, in place of the document's own, and how many
            placeholders each has.
    """
    merged = json.dumps(
        {key: value for key, value in document.items() if key not in own}, ensure_ascii=False
    )
    if not presigns and _PRESIGNS.search(merged):
        yield DocumentFault(
            "has a placeholder of a presigned URL, and no role presigns it",
            line=_line(text, _PRESIGNS, 0),
            hint="usePresignedUrlConfig = True and [PRESIGNED_URL_CONFIG], or take it out",
        )
    added = sum(own.values())
    found = len(_SUBSTITUTED.findall(merged)) + added
    if found > MAX_SUBSTITUTIONS:
        yield DocumentFault(
            f"has {found} placeholders"
            f"{f', {added} of otactl included' if added else ''}; AWS replaces "
            f"{MAX_SUBSTITUTIONS} in one job document",
            line=_line(text, _SUBSTITUTED, MAX_SUBSTITUTIONS - added),
        )


def _line(text: str, pattern: re.Pattern[str], location: int) -> int | None:
    """The line of a pattern's n-th occurrence; None if the file writes it with escapes."""
    starts = [match.start() for match in pattern.finditer(text)]
    return text.count("\n", 0, starts[location]) + 1 if location < len(starts) else None
