"""``otactl stack``: the monitoring stack, from its template to a test of every hop."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.cli.consent import confirmed, declined
from otactl.cli.option_group import grouped
from otactl.cli.stack_dialog import (
    agreed_to,
    preview,
    switch_on_events,
    warn_of_double_counting,
)
from otactl.errors import UserMistake
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.aws.stack import Stack, StackState
    from otactl.operations.clock import CommandClock
    from otactl.operations.stack_operation import StackOperation

app = typer.Typer(
    no_args_is_help=True,
    help="Metrics of your devices, alarms on them, and a stop for bad rollouts.",
)

NameOption = Annotated[str, typer.Option("--name", help="Name of the stack.")]
PollOption = Annotated[
    float,
    typer.Option(
        "--poll", min=0.1, max=options.LONGEST_PAUSE, metavar="SECONDS", help="Poll every SECONDS."
    ),
]
DEFAULT_NAME = "otactl-monitor"
_PARAMETER_PANEL = "Parameters (those left out keep their value, or get the template's)"


def _parameter(flag: str, text: str, **how: Any) -> Any:
    return options.under(_PARAMETER_PANEL, text, flag, show_default=False, **how)


@app.command()
@grouped
def deploy(
    name: NameOption = DEFAULT_NAME,
    email: Annotated[
        str | None, _parameter("--email", "E-mail address to notify; '' removes it.")
    ] = None,
    sms: Annotated[
        str | None, _parameter("--sms", "Mobile number to notify, +49…; '' removes it.")
    ] = None,
    prefix: Annotated[
        str | None, _parameter("--prefix", "Prefix of the topics' names, for a second stack.")
    ] = None,
    percentile: Annotated[
        str | None, _parameter("--percentile", "Percentile of the download time to watch: p99.")
    ] = None,
    upper_limit: Annotated[
        int | None, _parameter("--upper-limit", "Seconds a download may take.", min=0)
    ] = None,
    datapoints: Annotated[
        int | None, _parameter("--datapoints", "M: the alarm needs M bad minutes of N.", min=1)
    ] = None,
    evaluation_periods: Annotated[
        int | None, _parameter("--evaluation-periods", "N: minutes that are evaluated.", min=1)
    ] = None,
    log_days: Annotated[
        int | None, _parameter("--log-days", "How many days logs are kept.", min=1)
    ] = None,
    events: Annotated[
        bool | None,
        typer.Option(
            "--events/--no-events",
            help="Switch on the job events of AWS IoT for this account and region, or leave them;"
            " asked when left out.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
    ] = False,
    yes: options.Yes = False,
    poll: PollOption = 2.0,
    *,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Create or update the monitoring stack, after showing what would change.

    Exit codes: 0 done, or nothing to do; 1 declined; 2 a parameter is invalid; 3 AWS refused, and
    CloudFormation rolled back.
    """
    from otactl.aws.stack_template import monitor_template
    from otactl.operations.stack_operation import check_stack
    from otactl.views.stack_status import deployed_fields, print_outputs

    parameters = {
        "AlarmEmailEndpoint": email,
        "AlarmSMSEndpoint": sms,
        "TopicNamePrefix": prefix,
        "DownloadTimePercentile": percentile,
        "DownloadTimeUpperLimit": upper_limit,
        "DownloadTimeDatapointsToAlarm": datapoints,
        "DownloadTimeEvaluationPeriod": evaluation_periods,
        "LogRetentionDays": log_days,
    }
    given = {each: str(value) for each, value in parameters.items() if value is not None}
    clients, stack, _, operation = _begin(name, where, poll)
    template = monitor_template()
    state = stack.state()
    if state is not None:
        state = operation.settle(state)
    if state is not None and state.is_remains and not dry_run:
        terminal.note(f"stack {name} is left from a failed creation; deleting it first")
        operation.delete(state)
        state = None
    before = state.parameters if state is not None and not state.is_draft else {}
    after = stack.defaults(template) | dict(before) | given
    check_stack(clients, before, after)
    change_set = operation.prepare(template, given, state)
    preview(change_set, name, before, after)
    warn_of_double_counting(clients, state.outputs.get("RuleName") if state else None)
    if dry_run or not change_set.changes:
        stack.discard(change_set.change_set_id)
    elif not agreed_to(f"Change stack {name}?", yes, stack, change_set):
        declined("changed")
    else:
        state = operation.execute(change_set)
    enabled = switch_on_events(clients, events, yes=yes, dry_run=dry_run)
    if output is options.JSON:
        terminal.print_json(deployed_fields(name, state, change_set, enabled, dry_run=dry_run))
    elif state is not None and not dry_run:
        print_outputs(terminal.stdout_console(), state.outputs)


@app.command()
@grouped
def status(
    name: NameOption = DEFAULT_NAME,
    *,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Show the state of the stack: resources, events, alarm, subscribers, failed messages.

    Exit code 1 if it would not work: no stack, a failed one, or events switched off.
    """
    from otactl.aws.stack_health import examine
    from otactl.views.stack_status import health_fields, print_status

    clients, stack, _, _ = _begin(name, where)
    state = stack.state()
    if state is None:
        if output is options.JSON:
            terminal.print_json({"stackName": name, "status": None, "good": False})
        else:
            typer.echo(f"there is no stack {name}; make one with: otactl stack deploy")
        raise typer.Exit(1)
    health = examine(clients, stack, state)
    if output is options.JSON:
        terminal.print_json(health_fields(health))
    else:
        print_status(terminal.stdout_console(), health)
    if not health.is_good:
        raise typer.Exit(1)


@app.command()
@grouped
def outputs(
    name: NameOption = DEFAULT_NAME,
    *,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Print the ARNs of the topics, functions, roles and so on, such as for snsTopics."""
    from otactl.views.stack_status import print_outputs

    _, stack, _, _ = _begin(name, where)
    state = _existing(stack)
    if output is options.JSON:
        terminal.print_json({"outputs": dict(state.outputs)})
    else:
        print_outputs(terminal.stdout_console(), state.outputs)


@app.command()
@grouped
def delete(
    name: NameOption = DEFAULT_NAME,
    yes: options.Yes = False,
    poll: PollOption = 2.0,
    *,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Delete the stack with its logs. Metrics and the event settings of AWS IoT stay."""
    _, stack, _, operation = _begin(name, where, poll)
    state = _existing(stack)
    if not confirmed(f"Delete stack {name} with its topics, alarm and logs?", yes=yes):
        declined("deleted")
    operation.delete(state)
    if output is options.JSON:
        terminal.print_json({"stackName": name, "stackId": state.stack_id, "deleted": True})
    else:
        terminal.note(f"stack {name} is deleted; alarms of deployments that named its topics stay")


@app.command()
def template(output: options.Output = options.TEXT) -> None:
    """Print the CloudFormation template, including the Lambda handlers."""
    from otactl.aws.stack_template import monitor_template

    text = monitor_template()
    if output is options.JSON:
        terminal.print_json({"templateBody": text})
    else:
        sys.stdout.write(text)


@app.command("test")
@grouped
def send_test_event(
    name: NameOption = DEFAULT_NAME,
    people: Annotated[
        bool, typer.Option("--people", help="Let the test's alarm notify people as well.")
    ] = False,
    max_wait: Annotated[
        float,
        typer.Option(
            min=1, max=options.LONGEST_WAIT, metavar="SECONDS", help="Maximum time per hop."
        ),
    ] = 900.0,
    poll: PollOption = 2.0,
    *,
    where: options.AccountLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Send one synthetic event through the stack and show each hop that it reaches.

    The event is about a job that does not exist, so nothing can be stopped. It leaves one value of
    a custom metric. Exit code 1 if a hop was not reached.
    """
    from otactl.aws.stack_probe import StackProbe
    from otactl.cli.signals import handle_signals
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped
    from otactl.views.stack_status import print_hop

    clients, stack, clock, _ = _begin(name, where, poll)
    state = _existing(stack)
    probe = StackProbe(
        clients,
        state.outputs,
        sleep=clock.sleep,
        max_wait_seconds=max_wait,
        poll_seconds=poll,
        people=people,
    )
    console = terminal.stderr_console() if output is options.JSON else None
    hops = []
    with handle_signals(clock, "deleting the test's alarm"):
        for hop in probe.run():
            print_hop(console or terminal.stdout_console(), hop)
            hops.append(hop)
    arrived = all(hop.arrived for hop in hops)
    if output is options.JSON:
        listed = [shaped(account.Hop, hop) for hop in hops]
        terminal.print_json({"stackName": name, "arrived": arrived, "hops": listed})
    if not arrived:
        raise typer.Exit(1)


def _begin(
    name: str,
    where: LocationOptions,
    poll: float = 2.0,
) -> tuple[AwsClients, Stack, CommandClock, StackOperation]:
    from otactl.aws.stack import Stack
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.clock import CommandClock
    from otactl.operations.stack_operation import StackOperation
    from otactl.views.stack_status import print_event

    clients = where.clients()
    stack, clock = Stack(clients, name), CommandClock()
    show_event = partial(print_event, terminal.stderr_console())
    operation = StackOperation(stack, clock, show_event, TerminalFrontend(), poll_seconds=poll)
    return clients, stack, clock, operation


def _existing(stack: Stack) -> StackState:
    state = stack.state()
    if state is None or state.is_draft:
        raise UserMistake(f"there is no stack {stack.name}", hint="`otactl stack deploy` makes one")
    return state
