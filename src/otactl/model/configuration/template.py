"""A ``dev.ini`` to start from: every section and key there is, each with its explanation.

It is written from the catalogue, so it knows every key. What only the user can know stands there
as a ``<placeholder>``; every switch is off, so that the rest takes effect only when it is wanted.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from otactl.model.configuration.catalogue import Key, all_keys
from otactl.model.configuration.sections import (
    ALARM_PREFIX,
    DEFAULT,
    LINT,
    SECTIONS,
    TAGS,
    WAIVER_PREFIX,
    WAVE_PREFIX,
    WINDOW_PREFIX,
    SectionSpec,
)

_WIDTH = 88
#: What the members of the families are called in the template.
_SAMPLE_MEMBERS = {
    f"{ALARM_PREFIX}<alarm_name>": f"{ALARM_PREFIX}DownloadTimeUpperLimitAlarm",
    f"{WINDOW_PREFIX}<window_name>": f"{WINDOW_PREFIX}MondayNight",
    f"{WAVE_PREFIX}<wave_name>": f"{WAVE_PREFIX}canary",
}
#: Sections without a switch count when they are there; these stay commented out.
_COMMENTED_OUT = frozenset(
    {"AFR_OTA_CONFIG", "ALARM_CONFIG", "IMAGE_CONFIG", "API_CONFIG", TAGS, LINT}
)
_USER_KEYS = {TAGS: "team", LINT: f"{WAIVER_PREFIX}CODE"}


def render_template() -> str:
    """The text of the template."""
    return "\n".join(_lines()) + "\n"


def explained(text: str) -> list[str]:
    """A sentence as comment lines."""
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH)]


def _lines() -> Iterator[str]:
    yield "# A deployment for otactl. `otactl validate FILE` checks it, `otactl init FILE` asks for"
    yield "# the values, `otactl config explain KEY` tells more about any key."
    for spec in SECTIONS:
        yield ""
        yield from explained(_about(spec))
        mark = "#" if _is_commented_out(spec) else ""
        yield f"{mark}[{_SAMPLE_MEMBERS.get(spec.name, spec.name)}]"
        for key in all_keys():
            if key.section == spec.name:
                yield from explained(_explanation(key))
                name = _USER_KEYS.get(spec.name, key.name)
                yield f"{mark}{name} = {key.example}".rstrip()


def _about(spec: SectionSpec) -> str:
    if condition := spec.counts_when():
        return f"{spec.about} Counts {condition}."
    return spec.about if spec.name == DEFAULT else f"{spec.about} Counts when it is there."


def _explanation(key: Key) -> str:
    need = "required" if key.is_required else f"default: {key.default or 'empty'}"
    if key.section in _USER_KEYS:
        return key.about
    return f"{key.about} [{key.type_name}, {need}]"


def _is_commented_out(spec: SectionSpec) -> bool:
    return spec.name in _COMMENTED_OUT or spec.name.startswith(ALARM_PREFIX)
