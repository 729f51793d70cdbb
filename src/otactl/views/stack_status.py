"""A stack on the terminal: its state, its alarms, who is notified, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from otactl.aws.stack import ChangeSet, ResourceChange, StackEvent, StackState
from otactl.aws.stack_health import StackHealth
from otactl.aws.stack_probe import Hop
from otactl.model.json_output import account
from otactl.model.json_output.shaping import shaped
from otactl.views.foreign_text import escape


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
    table.add_row("failed messages", f"[red]{failures}[/]" if failures else "0")
    console.print(table)


def _coloured(state: str) -> str:
    return f"[{'red' if state == 'ALARM' else 'green' if state == 'OK' else 'dim'}]{state}[/]"


def print_outputs(console: Console, outputs: Mapping[str, str]) -> None:
    """Print the outputs, one a line and never wrapped, so that they can be copied."""
    for name in sorted(outputs):
        console.print(f"{escape(name):<26} {escape(outputs[name])}", soft_wrap=True)


def health_fields(health: StackHealth) -> account.StackStatus:
    """What `otactl stack status` found, as JSON."""
    state = health.state
    return shaped(
        account.StackStatus,
        health,
        stackName=state.name,
        stackId=state.stack_id,
        status=state.status,
        reason=state.reason,
        parameters=dict(state.parameters),
    )


def deployed_fields(
    name: str,
    state: StackState | None,
    change_set: ChangeSet,
    events: Sequence[str],
    *,
    dry_run: bool,
) -> account.StackChanges:
    """The result of `otactl stack deploy`, as JSON."""
    return shaped(
        account.StackChanges,
        change_set,
        stackName=name,
        dryRun=dry_run,
        status=state.status if state else None,
        events=list(events),
        outputs=dict(state.outputs) if state else {},
    )


def print_hop(console: Console, hop: Hop) -> None:
    """Print one hop: whether the event arrived, how long it took, and the details."""
    mark = "[green]✓[/]" if hop.arrived else "[red]✗[/]"
    if hop.is_empty:
        mark = "[yellow]-[/]"
    duration = f" [dim]{hop.seconds:.1f} s[/]" if hop.seconds else ""
    console.print(f"{mark} {escape(hop.name)}{duration}", soft_wrap=True)
    console.print(f"  [dim]{escape(hop.detail)}[/]", soft_wrap=True)


def print_event(console: Console, event: StackEvent) -> None:
    """Print an event that ended, with the reason if it failed; others are left out."""
    words = event.status.replace("_", " ").lower()
    if event.is_failure:
        console.print(f"[red]✗[/] {escape(str(event))}", soft_wrap=True)
    elif event.status.endswith("_COMPLETE"):
        console.print(
            f"[green]✓[/] {escape(event.logical_id)} [dim]{escape(event.resource_type)}[/] {words}",
            soft_wrap=True,
        )
    elif event.reason and "ROLLBACK" in event.status:
        console.print(f"[yellow]{words}:[/] {escape(event.reason)}", soft_wrap=True)


_ACTIONS = {"Add": "[green]add[/]", "Modify": "[yellow]change[/]", "Remove": "[red]remove[/]"}
_REPLACES = {"True": "[red]replaced[/]", "Conditional": "[yellow]perhaps replaced[/]"}


def print_changes(console: Console, name: str, changes: Sequence[ResourceChange]) -> None:
    """Print each resource that would change, in the order of the template's names."""
    title = f"stack {escape(name)}: {len(changes)} changes"
    table = Table("", "resource", "type", "", title=title)
    for change in sorted(changes, key=lambda change: (change.action, change.logical_id)):
        table.add_row(
            _ACTIONS.get(change.action, escape(change.action)),
            escape(change.logical_id),
            escape(change.resource_type),
            _REPLACES.get(change.replaces, ""),
        )
    console.print(table)


def print_parameters(console: Console, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Print the parameters, and what each was before when it changes."""
    for name in sorted(after):
        value = escape(after[name]) or "[dim]none[/]"
        changed = name in before and before[name] != after[name]
        note = f"  [dim](was {escape(before[name]) or 'none'})[/]" if changed else ""
        console.print(f"  {escape(name):<30} {value}{note}", soft_wrap=True)
