"""Draws docs/stack.svg from the template: ``python -m scripts.dev.stack_picture``.

Boxes are the template's resources and the services around them; arrows are what the template says
of them: the rule's actions, the alarm's actions, subscriptions, and what the roles may do. So the
picture cannot show what is not there; ``tests/contract/test_stack_picture.py`` fails when it is
older than the template, or when a resource is in neither a box nor a box's small print.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.dev.cloudformation_template import read_template

from otactl.aws.stack_template import monitor_template

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURE = Path(__file__).parents[2] / "docs" / "stack.svg"

#: Services that the stack talks to and does not create; drawn with round corners.
EVENTS, METRICS, JOBS = "job-execution events", "metrics", "jobs"
OTHER_ALARMS, EMAIL, SMS = "alarms of deployments", "e-mail", "SMS"
OUTSIDE = {
    EVENTS: "AWS IoT",
    METRICS: "CloudWatch",
    JOBS: "AWS IoT Jobs",
    OTHER_ALARMS: "[ALARM_CONFIG_…]",
    EMAIL: "a person",
    SMS: "a person",
}
#: What a role may do that is worth an arrow, and to what.
TARGETS = {"cloudwatch:PutMetricData": METRICS, "iot:CancelJob": JOBS}
PEOPLE = {"email": EMAIL, "sms": SMS}

_BOX_WIDTH, _BOX_HEIGHT, _LINE = 208, 50, 15
_GAP_X, _GAP_Y, _MARGIN = 36, 44, 20


@dataclass(frozen=True)
class Arrow:
    """From one box to another.

    Attributes:
        is_failure: For what could not be handled; drawn dashed.
    """

    source: str
    target: str
    label: str = ""
    is_failure: bool = False


@dataclass
class Box:
    """A resource or a service, where it stands, and its small print."""

    name: str
    kind: str
    notes: list[str] = field(default_factory=list)
    x: float = 0
    y: float = 0

    @property
    def height(self) -> int:
        """Grows with the small print."""
        return _BOX_HEIGHT + _LINE * len(self.notes)


class Drawing:
    """The picture of a template.

    Args:
        template: As data.
    """

    def __init__(self, template: dict[str, Any]) -> None:
        self._resources: dict[str, Any] = template["Resources"]
        self.arrows = list(dict.fromkeys(self._find_arrows()))
        named = dict.fromkeys(end for arrow in self.arrows for end in (arrow.source, arrow.target))
        self.boxes = {name: Box(name, self._kind(name)) for name in named}
        self._write_small_print()

    def _of_type(self, suffix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, resource in self._resources.items():
            if resource["Type"] == f"AWS::{suffix}":
                yield name, resource["Properties"]

    def _find_arrows(self) -> Iterator[Arrow]:
        for name, rule in self._of_type("IoT::TopicRule"):
            payload = rule["TopicRulePayload"]
            yield Arrow(EVENTS, name)
            for action in payload["Actions"]:
                yield Arrow(name, reference(action["Lambda"]["FunctionArn"]))
            queue = payload["ErrorAction"]["Sqs"]["QueueUrl"]
            yield Arrow(name, reference(queue), "error action", is_failure=True)
        for name, function in self._of_type("Lambda::Function"):
            yield from self._deeds(name, reference(function["Role"]))
        for _, retries in self._of_type("Lambda::EventInvokeConfig"):
            target = reference(retries["DestinationConfig"]["OnFailure"]["Destination"])
            attempts = f"after {retries['MaximumRetryAttempts'] + 1} attempts"
            yield Arrow(reference(retries["FunctionName"]), target, attempts, is_failure=True)
        for name, alarm in self._of_type("CloudWatch::Alarm"):
            yield Arrow(METRICS, name, alarm["MetricName"])
            for topic in alarm["AlarmActions"]:
                yield Arrow(name, reference(topic))
        for _, policy in self._of_type("SNS::TopicPolicy"):
            yield Arrow(METRICS, OTHER_ALARMS, "jobId")
            for topic in policy["Topics"]:
                yield Arrow(OTHER_ALARMS, reference(topic))
        for _, subscription in self._of_type("SNS::Subscription"):
            person = PEOPLE.get(subscription["Protocol"])
            yield Arrow(
                reference(subscription["TopicArn"]), person or reference(subscription["Endpoint"])
            )

    def _deeds(self, function: str, role: str) -> Iterator[Arrow]:
        for policy in self._resources[role]["Properties"]["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                for action in as_list(statement["Action"]):
                    service, _, verb = action.partition(":")
                    if action in TARGETS:
                        yield Arrow(function, TARGETS[action], verb)
                    elif service == "dynamodb":
                        yield Arrow(function, reference(statement["Resource"]))

    def _kind(self, name: str) -> str:
        if name in OUTSIDE:
            return OUTSIDE[name]
        return str(self._resources[name]["Type"]).removeprefix("AWS::").replace("::", " ")

    def _write_small_print(self) -> None:
        """What belongs to a box and is none itself: roles, logs, permissions, policies."""
        for name, function in self._of_type("Lambda::Function"):
            self.boxes[name].notes += [
                reference(function["Role"]),
                reference(function["LoggingConfig"]["LogGroup"]),
            ]
        for name, permission in self._of_type("Lambda::Permission"):
            self.boxes[reference(permission["FunctionName"])].notes.append(name)
        for name, retries in self._of_type("Lambda::EventInvokeConfig"):
            self.boxes[reference(retries["FunctionName"])].notes.append(name)
        for name, rule in self._of_type("IoT::TopicRule"):
            payload = rule["TopicRulePayload"]
            self.boxes[name].notes += [
                payload["Sql"].partition("'")[2].rstrip("'"),
                reference(payload["ErrorAction"]["Sqs"]["RoleArn"]),
            ]
        for name, _ in self._of_type("SNS::TopicPolicy"):
            self.boxes[OTHER_ALARMS].notes.append(name)
        for name, subscription in self._of_type("SNS::Subscription"):
            self.boxes[reference(subscription["TopicArn"])].notes.append(name)

    def rows(self) -> list[list[Box]]:
        """The boxes by how far they are from the event; each stands below all that lead to it."""
        way = [arrow for arrow in self.arrows if not arrow.is_failure]
        depth = {end: 0 for arrow in way for end in (arrow.source, arrow.target)}
        for _ in depth:
            for arrow in way:
                depth[arrow.target] = max(depth[arrow.target], depth[arrow.source] + 1)
        rows: defaultdict[int, list[Box]] = defaultdict(list)
        for name, number in depth.items():
            rows[number].append(self.boxes[name])
        return [rows[number] for number in sorted(rows)]

    def location(self) -> tuple[float, float]:
        """Give every box its place: the way down, and beside it what could not be handled.

        Returns:
            Width and height of the picture.
        """
        rows = self.rows()
        width = max(len(row) for row in rows) * (_BOX_WIDTH + _GAP_X) - _GAP_X
        y: float = _MARGIN
        for row in rows:
            row.sort(key=self._middle_of_sources)
            x = _MARGIN + (width - len(row) * (_BOX_WIDTH + _GAP_X) + _GAP_X) / 2
            for box in row:
                box.x, box.y = x, y
                x += _BOX_WIDTH + _GAP_X
            y += max(box.height for box in row) + _GAP_Y
        height = y - _GAP_Y + _MARGIN
        placed = {box.name for row in rows for box in row}
        for box in self.boxes.values():
            if box.name not in placed:
                box.x, box.y = _MARGIN + width + _GAP_X, (height - box.height) / 2
                return box.x + _BOX_WIDTH + _MARGIN, height
        return width + 2 * _MARGIN, height

    def _middle_of_sources(self, box: Box) -> float:
        sources = [self.boxes[arrow.source].x for arrow in self.arrows if arrow.target == box.name]
        return sum(sources) / len(sources) if sources else 0

    def svg(self) -> str:
        """The picture."""
        width, height = self.location()
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}"'
            f' width="{width:g}" font-family="sans-serif" role="img">'
        )
        tip = (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7"'
            ' markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8Z" fill="#555"/></marker></defs>'
        )
        return "\n".join(
            [
                head,
                "<title>The monitoring stack</title>",
                tip,
                f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>',
                *(self._draw_arrow(arrow) for arrow in self.arrows),
                *(_draw_box(box) for box in self.boxes.values()),
                *(self._draw_label(arrow) for arrow in self.arrows if arrow.label),
                "</svg>",
                "",
            ]
        )

    def _ends(self, arrow: Arrow) -> tuple[float, float, float, float]:
        """Where an arrow leaves its box and where it arrives; failures leave to the right."""
        source, target = self.boxes[arrow.source], self.boxes[arrow.target]
        if arrow.is_failure:
            return (
                source.x + _BOX_WIDTH,
                source.y + source.height / 2,
                target.x + _BOX_WIDTH / 2,
                target.y if source.y < target.y else target.y + target.height,
            )
        alike = [each for each in self.arrows if not each.is_failure]
        removed = [each for each in alike if each.source == arrow.source]
        arriving = [each for each in alike if each.target == arrow.target]
        removed.sort(key=lambda each: self.boxes[each.target].x)
        arriving.sort(key=lambda each: self.boxes[each.source].x)
        return (
            source.x + _BOX_WIDTH * (removed.index(arrow) + 1) / (len(removed) + 1),
            source.y + source.height,
            target.x + _BOX_WIDTH * (arriving.index(arrow) + 1) / (len(arriving) + 1),
            target.y,
        )

    def _draw_arrow(self, arrow: Arrow) -> str:
        x1, y1, x2, y2 = self._ends(arrow)
        if arrow.is_failure:
            bend = f"C{x2:g} {y1:g} {x2:g} {y1:g} {x2:g} {y2:g}"
            dashes = ' stroke-dasharray="5 4"'
        else:
            middle = (y1 + y2) / 2
            bend, dashes = f"C{x1:g} {middle:g} {x2:g} {middle:g} {x2:g} {y2:g}", ""
        return (
            f'<path d="M{x1:g} {y1:g}{bend}" fill="none" stroke="#555"{dashes}'
            ' marker-end="url(#tip)"/>'
        )

    def _draw_label(self, arrow: Arrow) -> str:
        x1, y1, x2, y2 = self._ends(arrow)
        x, y = (x1 + 70, y1 - 6) if arrow.is_failure else ((x1 + x2) / 2, (y1 + y2) / 2 + 3)
        return _text(x, y, 10, arrow.label, ' stroke="#fff" stroke-width="4" paint-order="stroke"')


def _draw_box(box: Box) -> str:
    fill, radius = ("#f2f2f2", 20) if box.name in OUTSIDE else ("#e7f0fb", 4)
    middle = box.x + _BOX_WIDTH / 2
    outline = (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{_BOX_WIDTH}" height="{box.height}"'
        f' rx="{radius}" fill="{fill}" stroke="#4a6f9c"/>'
    )
    return "\n".join(
        [
            outline,
            _text(middle, box.y + 21, 13, box.name, ' font-weight="bold"'),
            _text(middle, box.y + 37, 11, box.kind),
            *(
                _text(middle, box.y + _BOX_HEIGHT + 3 + _LINE * number, 10, note)
                for number, note in enumerate(box.notes)
            ),
        ]
    )


def _text(x: float, y: float, size: int, words: str, style: str = "") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="middle"{style}>'
        f"{escape(words)}</text>"
    )


def reference(value: Any) -> str:
    """The resource that a ``Ref`` or ``GetAtt`` names."""
    if "Ref" in value:
        return str(value["Ref"])
    return str(value["Fn::GetAtt"][0])


def as_list(value: Any) -> list[Any]:
    """An IAM element, which may be one or many."""
    return value if isinstance(value, list) else [value]


def picture() -> str:
    """The picture of the stack as its template is now."""
    return Drawing(read_template(monitor_template())).svg()


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
