"""The wizard: asks for the values of a ``dev.ini`` and changes only answered ones.

It is independent of terminals: an ``Asker`` asks the questions. The model that reads the file
checks each answer at once; at the end the file is checked as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.model.configuration import check_value, parse_configuration
from otactl.model.configuration.catalogue import Key, all_keys, find_field, find_keys, kind_of
from otactl.model.configuration.kind import Choice, Switch
from otactl.model.configuration.refusal import is_unset
from otactl.model.configuration.sections import DEFAULT, SECTIONS, SectionSpec
from otactl.model.ini import IniDocument
from otactl.model.ini_edit import with_value

#: Sections without a switch that the wizard offers; the others are for experts.
_OFFERED = ("ALARM_CONFIG", "IMAGE_CONFIG", "API_CONFIG")
_WRITE = "write the file as it is"
_ANOTHER = "change another key"


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a list to tick."""

    value: str
    title: str
    is_on: bool


class Asker(Protocol):
    """Asks the user questions."""

    def say(self, text: str) -> None:
        """Show a text that needs no answer."""
        ...

    def text(self, question: str, *, default: str, check: Callable[[str], str | None]) -> str:
        """Ask for a text; ``check`` returns an error message for an answer, or None."""
        ...

    def confirm(self, question: str, *, default: bool) -> bool:
        """Ask for yes or no."""
        ...

    def select(self, question: str, choices: Sequence[str], *, default: str) -> str:
        """Ask for one of the choices."""
        ...

    def tick(self, question: str, options: Sequence[Option]) -> list[str]:
        """Ask for any number of the options; returns their values."""
        ...


class Wizard:
    """Asks for the keys of one file."""

    def __init__(self, document: IniDocument, asker: Asker) -> None:
        self._document = document
        self._asker = asker
        self._given_sections = {section.name for section in document.sections}

    def run(self) -> IniDocument:
        """Ask until the file is valid or the user accepts it as it is."""
        self._ask_section(DEFAULT, next(spec for spec in SECTIONS if spec.name == DEFAULT))
        chosen = self._choose_sections()
        for spec in SECTIONS:
            if spec.name in chosen:
                self._ask_section(spec.name, spec)
        while problems := self._errors():
            if not self._ask_to_fix(problems):
                break
        return self._document

    def _choose_sections(self) -> set[str]:
        """Ask which sections to switch on, and set their switches."""
        offered = [
            spec
            for spec in SECTIONS
            if (spec.switch is not None and spec.switch.section == DEFAULT) or spec.name in _OFFERED
        ]
        options = [Option(spec.name, spec.about, self._counts(spec)) for spec in offered]
        chosen = set(self._asker.tick("What else is to be set?", options))
        for option, spec in zip(options, offered, strict=True):
            is_chosen = spec.name in chosen
            if spec.switch is not None:
                self._set(DEFAULT, spec.switch.key, str(is_chosen))
            elif option.is_on and not is_chosen and spec.name == "ALARM_CONFIG":
                self._set(spec.name, "alarmList", "")
        return chosen

    def _counts(self, spec: SectionSpec) -> bool:
        if spec.switch is not None:
            return self._is_on(spec.switch.section, spec.switch.key)
        if spec.name == "ALARM_CONFIG":
            listed = self._document.get(spec.name, "alarmList")
            return listed is not None and not is_unset(listed.value)
        return self._document.section(spec.name) is not None

    def _ask_section(self, name: str, spec: SectionSpec) -> None:
        if name != DEFAULT:
            self._asker.say(f"[{name}] {spec.about}")
        for key in all_keys():
            if key.section == spec.name and not self._needs_no_question(name, key):
                self._ask(name, key)
        for inner in SECTIONS:
            if inner.switch is not None and inner.switch.section == name != DEFAULT:
                if self._is_on(name, inner.switch.key) and not self._is_overruled(inner):
                    self._ask_section(inner.name, inner)
            elif inner.listed_in is not None and inner.listed_in.section == name:
                listed = self._current(name, inner.listed_in.key)
                for member in filter(None, map(str.strip, listed.split(","))):
                    self._ask_section(f"{inner.prefix}{member}", inner)

    def _needs_no_question(self, section: str, key: Key) -> bool:
        if section == DEFAULT:
            # The switches of sections are asked together, as a list to tick.
            return any(spec.switch and spec.switch.key == key.name for spec in SECTIONS)
        if key.name == "failureType":
            return True
        overruled = section == "ABORT_CONFIG" and self._is_on(section, "useAllSubsection")
        return overruled and key.name != "useAllSubsection"

    def _is_overruled(self, spec: SectionSpec) -> bool:
        return (
            spec.fixed_type is not None
            and spec.fixed_type != "ALL"
            and self._is_on("ABORT_CONFIG", "useAllSubsection")
        )

    def _ask(self, section: str, key: Key) -> None:
        field = find_field(section, key.name)
        if field is None:
            return
        kind = kind_of(field)
        self._asker.say(key.about)
        current = self._current(section, key.name)
        if isinstance(kind, Switch):
            self._set(
                section, key.name, self._switch(section, key, default=kind.read(current or "False"))
            )
            return
        if isinstance(kind, Choice):
            words = [
                word.value
                for word in kind.words
                if check_value(section, key.name, word.value) is None
            ]
            words = words if key.is_required or key.default != "None" else ["None", *words]
            default = current if current in words else words[0]
            self._set(section, key.name, self._asker.select(key.name, words, default=default))
            return

        def check(answer: str) -> str | None:
            finding = check_value(section, key.name, answer.strip())
            return None if finding is None else finding.message

        answer = self._asker.text(key.name, default=current, check=check).strip()
        self._set(section, key.name, answer)

    def _switch(self, section: str, key: Key, *, default: bool) -> str:
        while True:
            answer = str(self._asker.confirm(key.name, default=default))
            finding = check_value(section, key.name, answer)
            if finding is None:
                return answer
            self._asker.say(finding.message)

    def _current(self, section: str, key: str) -> str:
        """The value to suggest: the file's if it is valid, else the default.

        In a new section the example is suggested, too; in an existing one, a missing key was left
        out on purpose.
        """
        entry = self._document.get(section, key)
        found = find_keys(f"{section}.{key}")
        if entry is not None and not is_unset(entry.value):
            value = ", ".join(entry.value.split("\n"))
            if check_value(section, key, value) is None:
                return value
        suggestions = [found[0].default] if found else []
        if found and (section not in self._given_sections or found[0].is_required):
            suggestions.append(found[0].example)
        for suggestion in suggestions:
            if suggestion and not is_unset(suggestion):
                return suggestion if check_value(section, key, suggestion) is None else ""
        return ""

    def _is_on(self, section: str, key: str) -> bool:
        entry = self._document.get(section, key)
        return entry is not None and entry.value.lower() in ("true", "yes", "on", "1")

    def _set(self, section: str, key: str, value: str) -> None:
        """Write a value, unless the file already has it, or has the same default without it."""
        entry = self._document.get(section, key)
        if entry is None:
            found = find_keys(f"{section}.{key}")
            if is_unset(value) or (
                found and not found[0].is_required and found[0].default == value
            ):
                return
        elif entry.value == value or (is_unset(entry.value) and is_unset(value)):
            return
        elif not value:
            value = "" if key.endswith("List") or key == "snsTopics" else "None"
        self._document = with_value(self._document, section, key, value)

    def _errors(self) -> list[Problem]:
        try:
            parse_configuration(self._document.text, file_name="")
        except ConfigurationInvalid as error:
            return [each for each in error.problems if each.severity is Severity.ERROR]
        return []

    def _ask_to_fix(self, problems: list[Problem]) -> bool:
        """Show the problems and ask for a fix; False if the user wants none."""
        names = []
        for problem in problems:
            self._asker.say(str(problem))
            if problem.key:
                names.append(f"{problem.section}.{problem.key}")
        changes = {f"change {name}": name for name in dict.fromkeys(names)}
        choices = [*changes, _ANOTHER, _WRITE]
        answer = self._asker.select("What now?", choices, default=choices[0])
        if answer == _WRITE:
            return False
        name = changes.get(answer)
        if name is None:
            name = self._asker.text("Which key?", default="DEFAULT.", check=_check_key_name)
        section, _, _ = name.strip().rpartition(".")
        keys = find_keys(name.strip())
        if keys:
            self._ask(section or keys[0].section, keys[0])
        return True


def _check_key_name(name: str) -> str | None:
    return None if find_keys(name.strip()) else "there is no such key; write SECTION.key"
