"""The kinds of values a ``dev.ini`` can hold: how each is read, and how it is described.

A kind is put into a pydantic field by ``Annotated``; the same object says in ``otactl config
explain`` and in the reference what it accepts, so that both always match the code. A kind reads
one text, already stripped, and returns a typed value or refuses it in a plain sentence.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from otactl.model.limits import DecimalRange, WholeRange
from otactl.model.quoting import quoted

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+", re.ASCII)
#: More digits than any limit of ours has; longer numbers are not parsed.
_MAX_DIGITS = 130


def refuse(code: str, message: str, *, hint: str | None = None) -> NoReturn:
    """Refuse a value.

    Args:
        code: The problem's stable short name.
        message: What is allowed and what was found.
        hint: What to do about it, if known.

    Raises:
        PydanticCustomError: Always; pydantic collects it with all the others of the section.
    """
    # The message is passed as context: pydantic would format the braces of a user's text in it.
    raise PydanticCustomError(code, "not allowed", {"message": message, "hint": hint})


def listed_words(text: str) -> tuple[str, ...]:
    """The words of a list: separated by commas, or each on a line of its own."""
    return tuple(word.strip() for word in re.split(r"[,\n]", text) if word.strip())


def refuse_repeated(words: Sequence[str], what: str = "") -> None:
    """Refuse a list that has a word twice; ``what`` precedes the word in the message.

    Raises:
        PydanticCustomError: A word is repeated.
    """
    twice = next((word for word in words if words.count(word) > 1), None)
    if twice is not None:
        refuse("list", f"lists {what}{quoted(twice)} more than once")


class Kind:
    """One kind of value."""

    #: One word or two for the reference's column "type".
    type_name: str
    #: Whether a value may continue over several lines.
    multi_line: bool = False

    @property
    @abstractmethod
    def allowed(self) -> str:
        """What it accepts, worded to follow "must be"."""

    @abstractmethod
    def read(self, text: str) -> Any:
        """Turn a text into a value.

        Raises:
            PydanticCustomError: The value is not allowed.
        """

    def refuse(self, text: str, *, code: str = "value", hint: str | None = None) -> NoReturn:
        """Refuse a text in this kind's own words."""
        refuse(code, f"must be {self.allowed}, found {quoted(text)}", hint=hint)

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True, slots=True)
class WholeNumber(Kind):
    """Only digits.

    Attributes:
        unit: What is counted, in the plural.
    """

    range: WholeRange
    unit: str = ""
    type_name = "whole number"

    @property
    def allowed(self) -> str:
        """The range in words."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"a whole number from {self.range}{unit}"

    def read(self, text: str) -> int:
        """Read an integer of the range."""
        if not _DIGITS.fullmatch(text):
            self.refuse(text, code="number", hint=_number_hint(text))
        if len(text) > _MAX_DIGITS or int(text) not in self.range:
            self.refuse(text, code="range")
        return int(text)


@dataclass(frozen=True, slots=True)
class DecimalNumber(Kind):
    """Digits, with an optional decimal point."""

    range: DecimalRange
    unit: str = ""
    type_name = "decimal number"

    @property
    def allowed(self) -> str:
        """The range and the decimals in words."""
        unit = f" {self.unit}" if self.unit else ""
        if self.range.decimals > _MANY_DECIMALS:
            return f"a decimal number{unit}"
        digits = "digit" if self.range.decimals == 1 else "digits"
        start = "" if self.range.exclusive else "from "
        return (
            f"a number{unit} {start}{self.range} with at most "
            f"{self.range.decimals} {digits} after the point"
        )

    def read(self, text: str) -> float:
        """Read a decimal number of the range; trailing zeros do not count as decimals."""
        if not _DECIMAL.fullmatch(text):
            self.refuse(text, code="number", hint=_number_hint(text))
        if len(text) > _MAX_DIGITS or Decimal(text) not in self.range:
            self.refuse(text, code="range")
        if len(text.partition(".")[2].rstrip("0")) > self.range.decimals:
            self.refuse(text, code="decimals")
        return float(text)


#: A range with more decimals than this allows any number of them.
_MANY_DECIMALS = 10


def _number_hint(text: str) -> str | None:
    if _DECIMAL_COMMA.fullmatch(text):
        return "write a point, not a comma"
    if any(not character.isascii() and character.isdigit() for character in text):
        return "write it with the digits 0 to 9"
    if re.fullmatch(r"-?[0-9.]+[eE][+-]?[0-9]+", text):
        return "write the number out, without an exponent"
    return None


class Switch(Kind):
    """True or False. The manual writes these two; configparser's other words are read as well."""

    type_name = "switch"
    allowed = "True or False"

    def read(self, text: str) -> bool:
        """Read a boolean."""
        meaning = _SWITCH_WORDS.get(text.lower())
        if meaning is None:
            self.refuse(text, code="switch")
        return meaning


_SWITCH_WORDS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """One of a few words, spelt exactly as AWS spells it."""

    words: type[StrEnum]
    type_name = "choice"

    @property
    def allowed(self) -> str:
        """The words."""
        *others, last = [word.value for word in self.words]
        return f"{', '.join(others)} or {last}" if others else last

    def read(self, text: str) -> StrEnum:
        """Read one of the words."""
        if text in {word.value for word in self.words}:
            return self.words(text)
        near = next((word for word in self.words if word.value.lower() == text.lower()), None)
        return self.refuse(
            text, code="choice", hint=None if near is None else f"write {near.value}"
        )


@dataclass(frozen=True, slots=True)
class ChoiceList(Kind):
    """Some of a few words, in the user's order, separated by commas."""

    words: type[StrEnum]
    type_name = "list"
    multi_line = True

    @property
    def allowed(self) -> str:
        """The words."""
        return f"{', '.join(word.value for word in self.words)}, or several with a comma"

    def read(self, text: str) -> tuple[StrEnum, ...]:
        """Read the words, each at most once."""
        listed = listed_words(text)
        known = {word.value for word in self.words}
        if not listed or len(set(listed)) < len(listed) or not known.issuperset(listed):
            self.refuse(text, code="choice")
        return tuple(self.words(word) for word in listed)


@dataclass(frozen=True, slots=True)
class Word(Kind):
    """A text of a certain form: an id, a name, an ARN.

    Attributes:
        accepts: Whether a text has the form.
        form: The form, worded to follow "must be".
        hint: What may be wrong with a text of another form, if known.
    """

    type_name: str
    form: str
    accepts: Callable[[str], bool]
    hint: Callable[[str], str | None] = lambda _text: None

    @property
    def allowed(self) -> str:
        """The form in words."""
        return self.form

    def read(self, text: str) -> str:
        """Check the form."""
        if not self.accepts(text):
            self.refuse(text, code="form", hint=self.hint(text))
        return text


@dataclass(frozen=True, slots=True)
class WordList(Kind):
    """Words separated by commas; a list may go on in the next, indented line.

    Attributes:
        word: What each must be.
        maximum: How many are allowed.
    """

    word: Word
    maximum: int
    type_name = "list"
    multi_line = True

    @property
    def allowed(self) -> str:
        """The words' form and their number."""
        return f"a list of up to {self.maximum}, separated by commas, each {self.word.allowed}"

    def read(self, text: str) -> tuple[str, ...]:
        """Read the list; an empty one is fine."""
        words = listed_words(text)
        if len(words) > self.maximum:
            refuse("list", f"may list {self.maximum} at most, found {len(words)}")
        refuse_repeated(words)
        return tuple(self.word.read(word) for word in words)
