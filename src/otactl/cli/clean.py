"""``otactl clean``: delete what a deployment created."""

from __future__ import annotations

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.errors import UserMistake


@grouped
def clean(
    deployment: options.Deployment = None,
    yes: options.Yes = False,
    *,
    where: options.StoredLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Delete everything a deployment created: job, stream, alarms, group, objects.

    A job that has not ended is only deleted after its id was typed, or with --yes: devices in the
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
        terminal.note(f"deployment {cleaned.deployment_id} had left nothing")
    if cleaned.leftovers:
        raise UserMistake(f"still there: {', '.join(cleaned.leftovers)}")
