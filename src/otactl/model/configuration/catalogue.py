"""All keys, as ``otactl config explain``, the template and the reference show them.

The table is made from the section models, so it cannot differ from what is read. The template is a
``dev.ini`` to start from, made from the table: values that only the user knows are
``<placeholder>``s; every switch is off, so that other sections take effect only when wanted.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from otactl.model import limits
from otactl.model.configuration.kind import Kind
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
    find_section,
)

_WIDTH = 88
#: The names of the families' members in the template.
_SAMPLE_MEMBERS = {
    f"{ALARM_PREFIX}<alarm_name>": f"{ALARM_PREFIX}DownloadTimeUpperLimitAlarm",
    f"{WINDOW_PREFIX}<window_name>": f"{WINDOW_PREFIX}MondayNight",
    f"{WAVE_PREFIX}<wave_name>": f"{WAVE_PREFIX}canary",
}
#: Sections without a switch count if they exist; these stay commented out.
_COMMENTED_OUT = frozenset(
    {"AFR_OTA_CONFIG", "ALARM_CONFIG", "IMAGE_CONFIG", "API_CONFIG", TAGS, LINT}
)
_SAMPLE_KEYS = {TAGS: "team", LINT: f"{WAIVER_PREFIX}CODE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key, as ``otactl config explain`` and the reference show it.

    Attributes:
        name: As the manual spells it.
        also: Another spelling that is read.
        default: In the file's own spelling; None when the key is required.
    """

    section: str
    name: str
    also: str | None
    type_name: str
    allowed: str
    default: str | None
    becomes: str
    about: str
    example: str
    ours: bool

    @property
    def full_name(self) -> str:
        """SECTION.key."""
        return f"{self.section}.{self.name}"

    @property
    def is_required(self) -> bool:
        """Whether the section must have it."""
        return self.default is None


_USER_KEYS = (
    Key(
        section=TAGS,
        name="<tag>",
        also=None,
        type_name="text",
        allowed=(
            f"up to {limits.MAX_TAGS} tags; a name of 1 to {limits.MAX_TAG_KEY_LENGTH} letters, "
            "digits, blanks or _ . / + - @, not beginning with aws:, and a value of up to "
            f"{limits.MAX_TAG_VALUE_LENGTH} characters"
        ),
        default="",
        becomes="iot:CreateJob tags; iot:CreateStream tags",
        about="One tag: its name is the key, its value the value.",
        example="firmware-team",
        ours=True,
    ),
    Key(
        section=LINT,
        name=f"{WAIVER_PREFIX}<CODE>",
        also=None,
        type_name="text",
        allowed=f"a reason of 1 to {limits.MAX_WAIVER_REASON_LENGTH} characters",
        default="",
        becomes="otactl lint",
        about="Accepts the finding of that code; the value says why, for the next reader.",
        example="the first wave is the test rack",
        ours=True,
    ),
)


def find_field(section: str, key: str) -> FieldInfo | None:
    """How a key was declared; None if it is unknown or the user's own."""
    spec = find_section(section)
    if spec is None or spec.model is None:
        return None
    fields = spec.model.model_fields.values()
    return next((field for field in fields if field.alias == key), None)


def kind_of(field: FieldInfo) -> Kind:
    """The kind a field was declared with."""
    return next(part for part in field.metadata if isinstance(part, Kind))


@cache
def all_keys() -> tuple[Key, ...]:
    """Every key, section by section."""
    user_keys = {key.section: key for key in _USER_KEYS}
    keys: list[Key] = []
    for spec in SECTIONS:
        if spec.model is None:
            keys.append(user_keys[spec.name])
            continue
        keys += [_key(spec, field) for field in spec.model.model_fields.values()]
    return tuple(keys)


def find_keys(name: str) -> tuple[Key, ...]:
    """The keys of that name: ``rounds``, ``DEFAULT.rounds``, ``ALARM_CONFIG_Mine.period``."""
    section, _, key_name = name.rpartition(".")
    spec = find_section(section) if section else None
    if section and spec is None:
        return ()
    return tuple(
        key
        for key in all_keys()
        if (spec is None or key.section == spec.name) and key_name in (key.name, key.also)
    )


def near_names(name: str) -> tuple[str, ...]:
    """The known names that are most similar to an unknown one."""
    by_lower: dict[str, str] = {}
    for key in all_keys():
        by_lower.setdefault(key.name.lower(), key.name)
        by_lower[key.full_name.lower()] = key.full_name
    return tuple(by_lower[near] for near in difflib.get_close_matches(name.lower(), by_lower, n=3))


def _key(spec: SectionSpec, field: FieldInfo) -> Key:
    kind = kind_of(field)
    notes = field.json_schema_extra
    if not isinstance(notes, dict) or field.alias is None:
        raise TypeError(f"a key of [{spec.name}] was not declared by key()")
    fixed = spec.fixed_type if field.alias == "failureType" else None
    default = _default(field) if fixed is None else fixed.value
    also, example = notes["also"], notes["example"]
    return Key(
        section=spec.name,
        name=field.alias,
        also=None if also is None else str(also),
        type_name=kind.type_name,
        allowed=kind.allowed if fixed is None else fixed.value,
        default=default,
        becomes=str(notes["becomes"]),
        about=field.description or "",
        example=str(default if example is None or fixed is not None else example),
        ours=spec.ours or bool(notes["ours"]),
    )


def _default(field: FieldInfo) -> str | None:
    default = field.default
    if default is PydanticUndefined:
        return None
    if default is None:
        return "None"
    if isinstance(default, StrEnum):
        return default.value
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return str(default)


def render_template() -> str:
    """The text of the template."""
    return "\n".join(_lines()) + "\n"


def explained(text: str) -> list[str]:
    """A sentence as comment lines."""
    return [f"# {line}" for line in textwrap.wrap(text, _WIDTH)]


def _lines() -> Iterator[str]:
    yield "# A deployment for otactl. `otactl validate FILE` checks it, `otactl init FILE` asks for"
    yield "# the values, `otactl config explain KEY` explains any key."
    for spec in SECTIONS:
        yield ""
        yield from explained(_about(spec))
        mark = "#" if _is_commented_out(spec) else ""
        yield f"{mark}[{_SAMPLE_MEMBERS.get(spec.name, spec.name)}]"
        for key in all_keys():
            if key.section == spec.name:
                yield from explained(_explanation(key))
                name = _SAMPLE_KEYS.get(spec.name, key.name)
                yield f"{mark}{name} = {key.example}".rstrip()


def _about(spec: SectionSpec) -> str:
    if condition := spec.counts_when():
        return f"{spec.about} Counts {condition}."
    return spec.about if spec.name == DEFAULT else f"{spec.about} Counts when it is there."


def _explanation(key: Key) -> str:
    need = "required" if key.is_required else f"default: {key.default or 'empty'}"
    if key.section in _SAMPLE_KEYS:
        return key.about
    return f"{key.about} [{key.type_name}, {need}]"


def _is_commented_out(spec: SectionSpec) -> bool:
    return spec.name in _COMMENTED_OUT or spec.name.startswith(ALARM_PREFIX)
