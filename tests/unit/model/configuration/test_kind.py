"""Kinds of values: what the words of ``allowed`` promise is what ``read`` does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from pydantic_core import PydanticCustomError
from tests.support.dev_ini import dev_ini, problems_of

from otactl.model.configuration.catalogue import kind_of
from otactl.model.configuration.kind import DecimalNumber, Kind, WholeNumber
from otactl.model.configuration.sections import SECTIONS
from otactl.model.limits import DecimalRange, WholeRange
from otactl.model.status import TargetSelection

KINDS = [
    (f"{spec.name}.{field.alias}", kind_of(field))
    for spec in SECTIONS
    if spec.model is not None
    for field in spec.model.model_fields.values()
]


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=[name for name, _ in KINDS])
def test_every_kind_says_what_it_allows(name: str, kind: Kind):
    assert kind.type_name, name
    assert f"must be {kind.allowed}".isprintable()
    assert not kind.allowed.endswith(".")


@pytest.mark.parametrize("text", ["007", "7"])
def test_leading_zeros_do_not_make_a_number_another(text: str):
    assert WholeNumber(WholeRange(1, 9)).read(text) == 7


@pytest.mark.parametrize("text", ["+7", "7_0", "\uff17", "\u0667", " 7", "0b1", "7.0", "", "seven"])
def test_a_whole_number_is_digits_only(text: str):
    with pytest.raises(PydanticCustomError):
        WholeNumber(WholeRange(1, 99)).read(text)


def test_a_range_of_one_is_said_as_one():
    assert WholeNumber(WholeRange(3, 3)).allowed == "a whole number from 3"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("1,5", "write a point, not a comma"),
        ("\uff11", "write it with the digits 0 to 9"),
        ("1e3", "write the number out, without an exponent"),
        ("abc", None),
    ],
)
def test_a_number_that_is_none_comes_with_a_hint(text: str, hint: str | None):
    kind = DecimalNumber(DecimalRange(minimum=Decimal(0), maximum=Decimal(9), decimals=1))
    with pytest.raises(PydanticCustomError) as caught:
        kind.read(text)

    assert caught.value.context is not None
    assert caught.value.context["hint"] == hint


def test_braces_in_a_value_are_no_template():
    (problem,) = problems_of(dev_ini(debug="{hint}{message}"))

    assert problem.message == "must be True or False, found '{hint}{message}'"


def test_a_choice_is_the_enum_member():
    kind = dict(KINDS)["DEFAULT.targetSelection"]

    assert kind.read("CONTINUOUS") is TargetSelection.CONTINUOUS
