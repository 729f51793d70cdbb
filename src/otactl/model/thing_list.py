"""The thing list: one ARN of a thing or a thing group on each line.

Blank lines and lines beginning with ``#`` or ``;`` are skipped, blanks around an ARN are
ignored. A target named twice counts once. Every bad line is reported, up to a number that fits a
screen, then how many more there are.

A list can be long: lines are read one by one, and of each only the ARN is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.model import limits
from otactl.model.arn import MAX_ARN_LENGTH, account_hint, is_region, partition_of
from otactl.model.identifier import is_thing_name
from otactl.model.quoting import quoted

#: How many bad lines, and how many repeated ones, are reported one by one.
MAX_NAMED = 20
#: With comments and blank lines.
_MAX_LINES = 2 * limits.MAX_LISTED_TARGETS
_COMMENT_SIGNS = ("#", ";")
_BYTE_ORDER_MARK = "\ufeff"
# The common case, recognised at once; other lines are checked in detail.
_TARGET = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):iot:(?P<region>[a-z0-9-]+):(?P<account>[0-9]{12})"
    r":(?P<kind>thing|thinggroup)/[a-zA-Z0-9:_-]{1,128}",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A target that a later line names again."""

    target: str
    first_line: int
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ThingList:
    """The targets of a deployment, each once, in the order of the file.

    Attributes:
        file_name: As the user gave it.
        things: ARNs of things.
        groups: ARNs of thing groups.
        duplicates: The first of the lines that repeat an earlier one.
        duplicate_count: How many there are in all.
        line_by_target: Where each target was named first.
    """

    file_name: str
    things: tuple[str, ...]
    groups: tuple[str, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    duplicate_count: int = 0
    line_by_target: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    def line_of(self, target: str) -> int | None:
        """The line that names a target first."""
        return self.line_by_target.get(target)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """Problems to report although the list is usable."""
        reported = tuple(
            Problem(
                file=self.file_name,
                line=duplicate.line,
                severity=Severity.WARNING,
                code="duplicate-target",
                message=(
                    f"{quoted(duplicate.target)} is named at line {duplicate.first_line} already;"
                    " it counts once"
                ),
            )
            for duplicate in self.duplicates
        )
        more = self.duplicate_count - len(reported)
        if not more:
            return reported
        return (
            *reported,
            Problem(
                file=self.file_name,
                severity=Severity.WARNING,
                code="duplicate-target",
                message=f"{more} more lines name a target again",
            ),
        )


def parse_thing_list(
    lines: Iterable[str],
    *,
    file_name: str,
    region: str | None = None,
    account: str | None = None,
) -> ThingList:
    """Read a thing list.

    Args:
        lines: The file's lines; they are read once, and not kept.
        file_name: As the user gave it; problems name it.
        region: The region every target must be in, if given.
        account: The account every target must be of, if given.

    Raises:
        ConfigurationInvalid: A line names no target, or none does; it carries every bad line,
            up to ``MAX_NAMED``.
    """
    reader = _Reader(file_name, region, account)
    for number, line in enumerate(lines, start=1):
        reader.read_line(number, line)
        if reader.is_too_long:
            break
    return reader.finish()


class _Reader:
    def __init__(self, file_name: str, region: str | None, account: str | None) -> None:
        self._file_name = file_name
        self._listed = 0
        self.is_too_long = False
        self._region = region
        self._account = account
        self._lines: dict[str, int] = {}
        self._things: list[str] = []
        self._groups: list[str] = []
        self._duplicates: list[Duplicate] = []
        self._duplicate_count = 0
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._elsewhere: Counter[str] = Counter()

    def read_line(self, number: int, line: str) -> None:
        if number == 1:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        target = line.strip()
        is_target = bool(target) and not target.startswith(_COMMENT_SIGNS)
        self._listed += is_target
        if self._listed > limits.MAX_LISTED_TARGETS or number > _MAX_LINES:
            self.is_too_long = True
            most = f"{limits.MAX_LISTED_TARGETS} targets, or than {_MAX_LINES} lines"
            self._refuse(number, "too-long", f"has more than {most}")
            return
        if not is_target:
            return
        match = _TARGET.fullmatch(target)
        if match is None or not is_region(match["region"]):
            self._refuse_form(number, target)
        elif match["partition"] != partition_of(match["region"]):
            self._refuse(
                number,
                "partition",
                f"{quoted(target)} says {match['partition']}, but {match['region']} belongs to "
                f"{partition_of(match['region'])}",
            )
        elif self._region is not None and match["region"] != self._region:
            self._refuse_line(
                number,
                "region",
                match["region"],
                f"{quoted(target)} is in {match['region']}; the deployment is in {self._region}",
            )
        elif self._account is not None and match["account"] != self._account:
            self._refuse_line(
                number,
                "account",
                match["account"],
                f"{quoted(target)} is of account {match['account']}; the role of the deployment "
                f"is of {self._account}",
            )
        else:
            self._keep(number, target, is_thing=match["kind"] == "thing")

    def _keep(self, number: int, target: str, *, is_thing: bool) -> None:
        first = self._lines.setdefault(target, number)
        if first != number:
            self._duplicate_count += 1
            if len(self._duplicates) < MAX_NAMED:
                self._duplicates.append(Duplicate(target, first, number))
        elif is_thing:
            self._things.append(target)
        else:
            self._groups.append(target)

    def _refuse_form(self, number: int, target: str) -> None:
        """Report what is wrong with a line that is not a target."""
        hint = account_hint(target)
        if "\0" in target:
            message = "holds NUL characters; this is no text file"
        elif "<" in target:
            message = f"{quoted(target)} is still to be filled in"
        elif is_thing_name(target) and not target.startswith("arn:"):
            message = f"{quoted(target)} is a name; an ARN is needed"
            hint = f"arn:aws:iot:REGION:ACCOUNT:thing/{target}, if it is the name of a thing"
        elif len(target) > MAX_ARN_LENGTH or not target.startswith("arn:"):
            message = f"{quoted(target)} is not an ARN"
        else:
            message = f"{quoted(target)} is not the ARN of a thing or a thing group"
        hint = hint or "arn:aws:iot:REGION:ACCOUNT:thing/NAME, or …:thinggroup/NAME"
        self._refuse(number, "target", message, hint)

    def _refuse_line(self, number: int, code: str, location: str, message: str) -> None:
        """Name the first target in a wrong region or account; only count the others."""
        self._elsewhere[location] += 1
        if self._elsewhere[location] == 1:
            self._refuse(number, code, message)

    def _refuse(self, number: int, code: str, message: str, hint: str | None = None) -> None:
        self._problem_count += 1
        if len(self._problems) < MAX_NAMED:
            self._problems.append(
                Problem(file=self._file_name, line=number, code=code, message=message, hint=hint)
            )

    def finish(self) -> ThingList:
        more = self._problem_count - len(self._problems)
        reported = [
            f"{count - 1} more lines name targets of {location}"
            for location, count in self._elsewhere.most_common(MAX_NAMED)
            if count > 1
        ] + [f"{more} more lines are wrong"] * bool(more)
        self._problems += [
            Problem(file=self._file_name, code="target", message=message) for message in reported
        ]
        if not self._problems and not self._lines:
            self._problems.append(
                Problem(
                    file=self._file_name,
                    code="empty",
                    message="lists no thing and no thing group",
                    hint="write one ARN on each line; `otactl things` makes such a list",
                )
            )
        if self._problems:
            raise ConfigurationInvalid(self._problems)
        return ThingList(
            file_name=self._file_name,
            things=tuple(self._things),
            groups=tuple(self._groups),
            duplicates=tuple(self._duplicates),
            duplicate_count=self._duplicate_count,
            line_by_target=self._lines,
        )
