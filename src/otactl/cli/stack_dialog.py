"""The dialog of `otactl stack deploy`: warnings, the preview, the questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otactl.cli import terminal
from otactl.cli.consent import confirmed
from otactl.errors import AwsRefused
from otactl.errors.first_failure import after_failure

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients
    from otactl.aws.stack import ChangeSet, Stack


def warn_of_double_counting(clients: AwsClients, own_rule: str | None) -> None:
    """Warn if other rules get the same events: two monitoring stacks count each event twice.

    Args:
        own_rule: The rule of this stack; None if it does not exist yet.
    """
    from otactl.aws.alarm_reach import listening_rules

    try:
        others = [rule for rule in listening_rules(clients) if rule != own_rule]
    except AwsRefused as error:
        terminal.note(f"cannot check whether another stack counts the same events: {error}")
        return
    if others:
        terminal.warn(
            f"topic rule {', '.join(others)} gets the same job execution events; if it is that of"
            " another monitoring stack, each execution counts twice in the metrics, and an alarm on"
            " a count goes off at half of its threshold"
        )


def preview(change_set: ChangeSet, name: str, before: Any, after: dict[str, str]) -> None:
    """Show what would change, resource by resource and parameter by parameter."""
    from otactl.views.stack_status import print_changes, print_parameters

    console = terminal.stderr_console()
    if not change_set.changes:
        terminal.note(f"stack {name} is up to date")
        return
    print_changes(console, name, change_set.changes)
    print_parameters(console, before, after)


def agreed_to(question: str, yes: bool, stack: Stack, change_set: ChangeSet) -> bool:
    """Ask; without a yes, for any reason, the change set is deleted."""
    with after_failure(lambda: stack.discard(change_set.change_set_id)):
        agreed = confirmed(question, yes=yes)
    if not agreed:
        stack.discard(change_set.change_set_id)
    return agreed


def switch_on_events(
    clients: AwsClients, wanted: bool | None, *, yes: bool, dry_run: bool
) -> list[str]:
    """Switch the job events on, if the user wants that; returns those that are on."""
    from otactl.aws.event_configuration import NEEDED_EVENTS, enable_events, enabled_events

    enabled = enabled_events(clients)
    missing = [kind for kind in NEEDED_EVENTS if kind not in enabled]
    if missing and not dry_run and wanted is not False:
        question = (
            f"AWS IoT does not publish {' and '.join(missing)} events in this account and region;"
            " without them there are no metrics. Switch them on? (each is a message that is billed)"
        )
        if wanted or confirmed(question, yes=yes):
            enable_events(clients)
            missing = []
    if missing:
        terminal.warn(f"{' and '.join(missing)} events are off: there will be no metrics")
    return [kind for kind in NEEDED_EVENTS if kind not in missing]
