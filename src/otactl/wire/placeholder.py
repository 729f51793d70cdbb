"""Placeholders in a custom job document: those that otactl fills, and those that AWS IoT fills.

otactl's are ``${otactl:fileSize}`` and so on. A string that is exactly one placeholder becomes the
value with its type: ``"${otactl:fileSize}"`` becomes a number. Within a longer string the value is
inserted as text. A document with any of them is complete: no key is merged in, so it can have the
form of any device.

AWS IoT replaces its own on each delivery to a device. The value of ``url`` is one of those.

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

#: By name: the hint for a deployment that has no such value.
NAMES: dict[str, str] = {
    "streamId": "no stream delivers an image of this size: use ${otactl:url}",
    "fileId": "",
    "fileSize": "",
    "md5": "",
    "sha256": "",
    "signature": "useSigningConfig = True and [SIGNING_CONFIG] sign it",
    "url": "usePresignedUrlConfig = True and [PRESIGNED_URL_CONFIG] presign it",
    "imageVer": "",
    "bucket": "",
    "objectKey": "",
}
#: Matches more than is filled: a text that begins like a placeholder must be a known one.
_OWN_START = re.compile(r"\$\s*\{\s*otactl", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\$\{otactl:(?P<name>[A-Za-z0-9]+)\}")
URL = "${otactl:url}"

MAX_SUBSTITUTIONS = 10
#: Matches more than AWS IoT replaces: a text that begins like a placeholder must be a known one.
START = re.compile(r"\$\s*\{\s*aws", re.IGNORECASE)
_PLAIN = r'[^\s"\\${}]+'
PRESIGNED = re.compile(rf"\$\{{aws:iot:s3-presigned-url:(?P<url>https://{_PLAIN})\}}")
SIGNATURE = re.compile(
    rf"\$\{{aws:iot:code-sign-signature:s3://[a-z0-9-]+\.(?P<bucket>[a-z0-9.-]+)/(?P<key>{_PLAIN})\}}"
)
_PRESIGNS = re.compile(r"\$\s*\{\s*aws:iot:s3-presigned-url", re.IGNORECASE)
#: What AWS substitutes on each delivery, including otactl's own URL placeholder.
_SUBSTITUTED = re.compile(rf"{START.pattern}|{re.escape(URL)}", re.IGNORECASE)


def has_image_values(document: Mapping[str, Any]) -> bool:
    """Whether a document has a placeholder of otactl's, or a text that begins like one."""
    return _OWN_START.search(json.dumps(document, ensure_ascii=False)) is not None


def fill_image_values(
    document: Mapping[str, Any], values: Mapping[str, str | int | None]
) -> dict[str, Any]:
    """The document with every placeholder replaced.

    Args:
        document: A document without faults (``image_value_faults``).
        values: By name.
    """
    return {key: _filled(member, values) for key, member in document.items()}


def _filled(member: Any, values: Mapping[str, str | int | None]) -> Any:
    if isinstance(member, dict):
        return fill_image_values(member, values)
    if isinstance(member, list):
        return [_filled(one, values) for one in member]
    if not isinstance(member, str):
        return member
    if whole := _PLACEHOLDER.fullmatch(member):
        return values[whole["name"]]
    return _PLACEHOLDER.sub(lambda found: str(values[found["name"]]), member)


def image_value_faults(
    document: Mapping[str, Any], text: str, values: Mapping[str, str | int | None]
) -> Iterator[DocumentFault]:
    """Why placeholders of a document cannot be filled.

    Args:
        document: The document.
        text: The text of its file, to find the lines.
        values: By name; None where the deployment has no value.
    """
    for string, is_key in _strings(document):
        for start in _OWN_START.finditer(string):
            found = _PLACEHOLDER.match(string, start.start())
            shown = string[start.start() :][:60] if found is None else found.group()
            line = _line_of_nth(text, re.compile(re.escape(shown)), 0)
            if is_key:
                yield DocumentFault(f"has {shown} in a key; only values are filled", line=line)
            elif found is None or found["name"] not in NAMES:
                yield DocumentFault(
                    f"has an unknown placeholder, {shown}",
                    line=line,
                    hint=f"there are {', '.join(NAMES)}, each as ${{otactl:…}}",
                )
            elif values[found["name"]] is None:
                yield DocumentFault(
                    f"has {shown}, and this deployment has none",
                    line=line,
                    hint=NAMES[found["name"]],
                )


def read_image_values(template: Any, filled: Any) -> Iterator[tuple[str, Any]]:
    """The values in a filled document, by name, where its template has exactly one placeholder.

    A URL that AWS IoT filled in is read too.
    """
    if isinstance(template, dict) and isinstance(filled, dict):
        for key, member in template.items():
            yield from read_image_values(member, filled.get(key))
    elif isinstance(template, list) and isinstance(filled, list):
        for one, other in zip(template, filled, strict=False):
            yield from read_image_values(one, other)
    elif isinstance(template, str) and (whole := _PLACEHOLDER.fullmatch(template)):
        yield whole["name"], filled


def _strings(member: Any) -> Iterator[tuple[str, bool]]:
    """Every string in a JSON value, and whether it is a key."""
    if isinstance(member, str):
        yield member, False
    elif isinstance(member, list):
        for one in member:
            yield from _strings(one)
    elif isinstance(member, dict):
        for key, value in member.items():
            yield key, True
            yield from _strings(value)


def placeholder_faults(
    document: Mapping[str, Any], text: str, *, presigns: bool, own: Mapping[str, int]
) -> Iterator[DocumentFault]:
    """Why AWS IoT cannot replace the placeholders of a custom document.

    Args:
        document: The document.
        text: The text of its file, to find the lines.
        presigns: Whether the job has a role that presigns.
        own: The keys that otactl merges in, replacing the document's own, and the number of
            placeholders in each.
    """
    merged = json.dumps(
        {key: value for key, value in document.items() if key not in own}, ensure_ascii=False
    )
    if not presigns and _PRESIGNS.search(merged):
        yield DocumentFault(
            "has a placeholder of a presigned URL, and no role presigns it",
            line=_line_of_nth(text, _PRESIGNS, 0),
            hint="usePresignedUrlConfig = True and [PRESIGNED_URL_CONFIG], or take it out",
        )
    added = sum(own.values())
    found = len(_SUBSTITUTED.findall(merged)) + added
    if found > MAX_SUBSTITUTIONS:
        yield DocumentFault(
            f"has {found} placeholders"
            f"{f', {added} of otactl included' if added else ''}; AWS replaces "
            f"{MAX_SUBSTITUTIONS} in one job document",
            line=_line_of_nth(text, _SUBSTITUTED, MAX_SUBSTITUTIONS - added),
        )


def _line_of_nth(text: str, pattern: re.Pattern[str], location: int) -> int | None:
    """The line of a pattern's n-th occurrence; None if the file writes it with escapes."""
    starts = [match.start() for match in pattern.finditer(text)]
    return text.count("\n", 0, starts[location]) + 1 if location < len(starts) else None
