"""``otactl resume``, ``clean`` and ``history``: deployments that have a journal on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake
from otactl.model.defaults import DEFAULT_POLL_SECONDS

#: The length of a deployment's id (``new_deployment_id``).
_ID_WIDTH = 23
#: The shown length of a failure: two lines in 80 columns.
_FAILURE_WIDTH = 100


@grouped
def resume(
    deployment: options.Deployment = None,
    no_wait: options.NoWait = False,
    max_wait: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=options.LONGEST_WAIT,
            metavar="SECONDS",
            help="With waves: wait at most SECONDS at a gate.",
        ),
    ] = None,
    poll: options.Poll = DEFAULT_POLL_SECONDS,
    *,
    where: options.StoredLocation,
    files: options.Results,
    output: options.Output = options.TEXT,
) -> None:
    """Continue a deployment that was killed or interrupted, and run it to its end.

    It uses the plan it began with, even if the files have changed since. A deployment that ended
    before its job (--max-wait, an abort) is watched again while the job exists. Exit codes are
    those of `otactl deploy`.
    """
    from otactl.cli.deploy_output import finish
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.stored_deployment import resume as resume_deployment

    journal, environment = resume_deployment(
        deployment,
        where,
        TerminalFrontend(),
        poll_seconds=poll,
        no_wait=no_wait,
        max_wait_seconds=max_wait,
    )
    finish(journal, environment, output, files)


@grouped
def clean(
    deployment: options.Deployment = None,
    yes: options.Yes = False,
    *,
    where: options.StoredLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Delete everything a deployment created: job, stream, alarms, group, objects.

    A job that has not ended is only deleted after you type its id, or with --yes: devices in the
    middle of an update are no longer followed.
    """
    from otactl.cli.consent import consent_to_delete, declined
    from otactl.cli.frontend import TerminalFrontend
    from otactl.operations.stored_deployment import clean as clean_deployment

    cleaned = clean_deployment(
        deployment,
        where,
        TerminalFrontend(),
        lambda job: consent_to_delete(job, yes=yes),
    )
    if cleaned is None:
        declined("deleted")
    if output is options.JSON:
        from otactl.model.json_output import deployment as json_deployment
        from otactl.model.json_output.shaping import shaped

        terminal.print_json(shaped(json_deployment.Cleaned, cleaned))
    elif not cleaned.undone:
        terminal.note(f"deployment {cleaned.deployment_id} left nothing to delete")
    if cleaned.leftovers:
        raise UserMistake(f"not deleted: {', '.join(cleaned.leftovers)}")


def history(
    state_dir: options.StateDir = None,
    output: options.Output = options.TEXT,
) -> None:
    """List the deployments of this machine, the newest first."""
    from otactl.operations.stored_deployment import stored_deployments

    entries, damaged = stored_deployments(state_dir)
    if output is options.JSON:
        terminal.print_json({"deployments": entries, "damaged": damaged})
        return
    for one in damaged:
        terminal.warn(one["problem"])
    from rich.table import Table
    from rich.text import Text

    from otactl.views.foreign_text import clean

    table = Table(box=None, pad_edge=False, header_style="bold")
    # Ids are copied into the next command, so they are never shortened.
    table.add_column("deployment", no_wrap=True, overflow="ignore", min_width=_ID_WIDTH)
    table.add_column("job and result", overflow="fold")
    for entry in entries:
        table.add_row(entry["deploymentId"], Text("\n".join(map(clean, _reported(entry)))))
    terminal.stdout_console().print(table if entries else "no deployments yet")


def _reported(entry: Mapping[str, Any]) -> list[str]:
    """A deployment in a few lines; `otactl report` and --output json have the whole failure."""
    from otactl.views.wording import rounds_words, things_words

    rounds = f"{entry['roundsDone']} of {rounds_words(entry['rounds'])}"
    if entry["waves"]:
        passed = sum(each["verdict"] == "pass" for each in entry["waves"])
        rounds = f"{passed} of {len(entry['waves'])} gates passed"
    of = "rehearsal of " if entry["rehearsal"] else ""
    if entry["rollbackOf"]:
        of += f"rollback of {entry['rollbackOf']}, "
    return [
        entry["jobId"],
        f"{of}{Path(entry['file']).name}, {things_words(entry['things'])}, {rounds}",
        shorten(entry["summary"], _FAILURE_WIDTH, placeholder=" …"),
    ]
