"""How the sizes of waves are written: ``50``, ``10%``, ``rest``, ARNs of thing groups."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from otactl.model import limits
from otactl.model.arn import parse_target_arn
from otactl.model.configuration.kind import Kind, listed_words, refuse, refuse_repeated
from otactl.model.quoting import quoted
from otactl.model.wave import MAX_NAME_LENGTH, REST, WHOLE, WaveSize, is_wave_name

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%", re.ASCII)
MAX_WAVES = 20


@dataclass(frozen=True, slots=True)
class ListedWave:
    """One entry of ``waveList``; ``str()`` is the name that its section has.

    Attributes:
        size: None if only the wave's own section has it.
    """

    name: str
    size: WaveSize | None

    def __str__(self) -> str:
        return self.name


class Size(Kind):
    """How many things a wave has, or which."""

    type_name = "wave size"
    multi_line = True

    allowed = (
        f"a number of things from 1 to {limits.MAX_LISTED_TARGETS}, a percentage such as 10%"
        " of all listed things, rest, or ARNs of thing groups, separated by commas"
    )

    def read(self, text: str) -> WaveSize:
        """Read a size."""
        if text == REST:
            return WaveSize()
        if _NUMBER.fullmatch(text):
            if not 1 <= int(text) <= limits.MAX_LISTED_TARGETS:
                self.refuse(text, code="range")
            return WaveSize(things=int(text))
        percent = _PERCENT.fullmatch(text)
        if percent is not None:
            hundredths = int(Decimal(percent[1]) * 100)
            if not 1 <= hundredths <= WHOLE:
                self.refuse(text, code="range")
            return WaveSize(hundredths=hundredths)
        groups = listed_words(text)
        if not groups or not all(map(_is_group, groups)):
            self.refuse(text, code="form")
        return WaveSize(groups=groups)


def _is_group(text: str) -> bool:
    try:
        return parse_target_arn(text).is_thing_group
    except ValueError:
        return False


SIZE = Size()


class WaveList(Kind):
    """The waves in order, each a name and, after a colon, its size."""

    type_name = "list"
    multi_line = True

    allowed = (
        f"a list of up to {MAX_WAVES}, separated by commas, each NAME:SIZE; a name has 1 to"
        f" {MAX_NAME_LENGTH} lower-case letters, digits or -, a size is {SIZE.allowed}; rest"
        " is the last, and need not be listed"
    )

    def read(self, text: str) -> tuple[ListedWave, ...]:
        """Read the list; a rest that is not listed is added."""
        listed = tuple(map(self._read_wave, listed_words(text)))
        names = [one.name for one in listed]
        refuse_repeated(names)
        if REST not in names:
            listed += (ListedWave(REST, WaveSize()),)
        if listed[-1].name != REST:
            refuse("list", "rest must be the last wave", hint="it takes what the others leave")
        if len(listed) > MAX_WAVES:
            refuse("list", f"may list {MAX_WAVES} at most, found {len(listed)}")
        return listed

    def _read_wave(self, text: str) -> ListedWave:
        name, colon, size = (part.strip() for part in text.partition(":"))
        if not is_wave_name(name):
            refuse(
                "form",
                f"a wave's name has 1 to {MAX_NAME_LENGTH} lower-case letters, digits or -,"
                f" found {quoted(name)}",
            )
        if name == REST:
            if colon and size != REST:
                refuse("form", f"rest has no size, found {quoted(size)}")
            return ListedWave(name, WaveSize())
        if size == REST:
            refuse("form", f"{quoted(name)} takes the rest", hint="the wave rest does that")
        return ListedWave(name, SIZE.read(size) if colon else None)


WAVE_LIST = WaveList()
