"""``otactl doctor``: checks whether an account is ready to deploy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.operations.fleet_address import BrokerOptions
    from otactl.operations.live_check.run import LiveReport
    from otactl.operations.load import LoadedDeployment

_ASKS = (
    "Create one thing, up to six jobs, two streams and three objects in bucket {bucket} of account"
    " {account}, for five minutes at most, and remove them?"
)


@grouped
def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="A deployment's dev.ini, whose bucket, roles, alarms and permissions are checked"
            " too.",
            show_default=False,
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live", help="Also deliver two images to one virtual thing; needs FILE and asks."
        ),
    ] = False,
    yes: options.Yes = False,
    *,
    broker: options.Broker,
    where: options.Location,
    output: options.Output = options.TEXT,
) -> None:
    """Check whether this account is ready to deploy, and say what to fix.

    Without --live nothing is created and nothing is changed. The permissions of `otactl iam` are
    checked with IAM's policy simulator. If the endpoint or these credentials do not support a
    check, its result is unknown.

    With --live, images of 4 and 200 KiB are delivered to one virtual thing, by stream and by
    presigned URL; everything is removed. At most one thing, six jobs, 150 API calls, five minutes.
    Where AWS's documentation is unclear, what AWS does is printed beside what otactl assumes.

    Exit codes: 0 ready (there may be warnings), 1 a deployment would fail, 2 a mistake in the file
    or the command, 3 AWS refused.
    """
    from otactl.model.diagnosis import Health
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped
    from otactl.operations.doctor import examine_account
    from otactl.operations.load import load_deployment
    from otactl.views.diagnosis_table import print_diagnosis, print_live_report

    if live and file is None:
        raise UserMistake("--live needs FILE", hint="its bucket, roles and region are used")
    loaded = None if file is None else load_deployment(file)
    console, is_text = terminal.stdout_console(), output is options.TEXT
    found = []
    for diagnosis in examine_account(loaded, where):
        found.append(diagnosis)
        if is_text:
            print_diagnosis(console, diagnosis)
    is_ready = all(diagnosis.health is not Health.BAD for diagnosis in found)
    if is_text:
        console.print("ready to deploy" if is_ready else "not ready to deploy")
    fields: dict[str, Any] = {
        "ready": is_ready,
        "findings": [shaped(account.Diagnosis, diagnosis) for diagnosis in found],
    }
    if live and loaded is not None:
        report = _check_live(loaded, where, broker, yes=yes) if is_ready else None
        if report is None:
            terminal.note("nothing was created: --live needs a ready account and your consent")
        else:
            fields["live"] = report.to_fields()
            if is_text:
                print_live_report(console, report)
        is_ready = report is not None and report.is_success
    if not is_text:
        terminal.print_json(fields)
    if not is_ready:
        raise typer.Exit(1)


def _check_live(
    loaded: LoadedDeployment, where: LocationOptions, broker: BrokerOptions, *, yes: bool
) -> LiveReport | None:
    """Run the live check; None without consent."""
    from otactl.cli.consent import confirmed
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.live_check.run import run_live

    named = loaded.configuration
    if not confirmed(_ASKS.format(bucket=named.bucket, account=named.account), yes=yes):
        return None
    return run_live(loaded, where, broker, TerminalFrontend())
