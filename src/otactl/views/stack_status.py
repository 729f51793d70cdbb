"""A stack on the terminal: its state, what watches, who is notified, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.aws.stack import ChangeSet, StackState
    from otactl.aws.stack_health import StackHealth


def print_status(console: Console, health: StackHealth) -> None:
    """Print what `otactl stack status` found."""
    good = health.state.is_healthy
    colour = "green" if good else "red" if health.state.is_settled else "yellow"
    console.print(
        f"stack [bold]{escape(health.state.name)}[/]: [{colour}]{health.state.status}[/]"
        + (f" ({escape(health.state.reason)})" if health.state.reason else ""),
        soft_wrap=True,
    )
    table = Table.grid(padding=(0, 2))
    table.add_row("resources", f"{len(health.resources)}, {health.unfinished_resources} not ready")
    table.add_row("events of AWS IoT", ", ".join(health.events) or "[red]switched off[/]")
    for name, alarm_state in health.alarms.items():
        table.add_row("alarm", f"{_coloured(alarm_state)} {escape(name)}")
    for subscriber in health.subscribers:
        table.add_row("notified", escape(subscriber))
    failures = health.failed_messages
    table.add_row("put aside as failed", f"[red]{failures}[/]" if failures else "0")
    console.print(table)


def _coloured(state: str) -> str:
    return f"[{'red' if state == 'ALARM' else 'green' if state == 'OK' else 'dim'}]{state}[/]"


def print_outputs(console: Console, outputs: Mapping[str, str]) -> None:
    """Print the outputs, one a line, wide as they are: they are there to be copied."""
    for name in sorted(outputs):
        console.print(f"{escape(name):<26} {escape(outputs[name])}", soft_wrap=True)


def health_fields(health: StackHealth) -> dict[str, Any]:
    """What `otactl stack status` found, as JSON."""
    state = health.state
    return {
        "stackName": state.name,
        "stackId": state.stack_id,
        "status": state.status,
        "reason": state.reason,
        "good": health.is_good,
        "parameters": dict(state.parameters),
        "resources": dict(health.resources),
        "events": list(health.events),
        "alarms": dict(health.alarms),
        "subscribers": list(health.subscribers),
        "failedMessages": health.failed_messages,
    }


def deployed_fields(
    name: str,
    state: StackState | None,
    change_set: ChangeSet,
    events: Sequence[str],
    *,
    dry_run: bool,
) -> dict[str, Any]:
    """What `otactl stack deploy` came to, as JSON.

    Args:
        name: Of the stack.
        state: As it is; None when there is none.
        change_set: What changes, or would change.
        events: The kinds of job event that are on.
        dry_run: Whether nothing was changed.
    """
    return {
        "stackName": name,
        "dryRun": dry_run,
        "status": state.status if state else None,
        "changes": [
            {
                "action": change.action,
                "resource": change.logical_id,
                "type": change.resource_type,
                "replacement": change.replaces,
            }
            for change in change_set.changes
        ],
        "events": list(events),
        "outputs": dict(state.outputs) if state else {},
    }
