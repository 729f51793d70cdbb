"""An object of ``--output json`` from a value, as its type says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, NotRequired

import pytest
from typing_extensions import TypedDict

from otactl.model.json_output.shaping import (
    Digits,
    Moment,
    NullIfEmpty,
    Of,
    Seconds,
    shaped,
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lamp:
    lamp_name: str = "L1"
    colour: Colour = Colour.RED
    is_lit: bool = True
    warm_seconds: float = 1.26
    note: str = ""
    secret: str = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    lamps: tuple[Lamp, ...] = (Lamp(),)
    by_colour: dict[Colour, int] = field(default_factory=lambda: {Colour.RED: 2})
    spare: Lamp | None = None
    age: float = 2.5


class LampFields(TypedDict):
    lamp: str
    colour: str
    lit: bool
    warmSeconds: Annotated[float, Digits(1)]
    note: Annotated[str | None, NullIfEmpty]


class RoomFields(TypedDict):
    lamps: list[LampFields]
    byColour: dict[str, int]
    spare: LampFields | None
    years: Annotated[int, Of("age"), Digits(0)]
    floor: NotRequired[int]
    at: str


LAMP = {"lamp": "L1", "colour": "red", "lit": True, "warmSeconds": 1.3, "note": None}


def test_the_type_says_what_of_a_value_is_written_and_how() -> None:
    assert shaped(LampFields, Lamp()) == LAMP


def test_parts_are_written_by_their_own_types() -> None:
    made = shaped(RoomFields, Room(spare=Lamp()), at="now")

    assert made == {
        "lamps": [LAMP],
        "byColour": {"red": 2},
        "spare": LAMP,
        "years": 2,
        "at": "now",
    }
    assert list(made) == ["lamps", "byColour", "spare", "years", "at"]
    assert type(next(iter(made["byColour"]))) is str


def test_what_is_given_stands_as_it_is() -> None:
    made = shaped(RoomFields, Room(), at="now", floor=3, lamps=[])

    assert (made["floor"], made["lamps"], made["spare"]) == (3, [], None)


def test_a_field_that_nothing_is_found_for_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match="Room has nothing for at of RoomFields"):
        shaped(RoomFields, Room())


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    at_ms: int | None = 1_700_000_000_999
    lasted_ms: int | None = 1_500
    note: str | None = None
    comment: str | None = None


class Commented(TypedDict):
    comment: str | None


class SwitchingFields(Commented):
    at: Annotated[str | None, Of("at_ms"), Moment]
    lasted: Annotated[float | None, Of("lasted_ms"), Seconds]
    note: NotRequired[str]


def test_milliseconds_become_a_moment_or_seconds_and_nothing_becomes_null() -> None:
    made = shaped(SwitchingFields, Switching())

    assert (made["at"], made["lasted"]) == ("2023-11-14T22:13:20+00:00", 1.5)
    nothing = shaped(SwitchingFields, Switching(at_ms=None, lasted_ms=None))
    assert (nothing["at"], nothing["lasted"]) == (None, None)


def test_none_is_left_out_where_the_type_has_no_null_and_inherited_fields_come_last() -> None:
    assert list(shaped(SwitchingFields, Switching())) == ["at", "lasted", "comment"]
    assert list(shaped(SwitchingFields, Switching(note="x"))) == ["at", "lasted", "note", "comment"]
