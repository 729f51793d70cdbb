"""``otactl approve``, ``reject``, ``pause`` and ``continue``: what people say at gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import terminal
from otactl.cli.option_group import HERE, located
from otactl.cli.options import DeploymentArgument, OutputFormat, OutputOption
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.model.wave import Act, Decision

CommentOption = Annotated[
    str, typer.Option("--comment", metavar="TEXT", help="Why; it stands in the report.")
]
WaveOption = Annotated[
    str | None,
    typer.Option("--wave", metavar="NAME", help="Refuse to approve any wave but this."),
]


@located("region")
def approve(
    deployment: DeploymentArgument = None,
    wave: WaveOption = None,
    comment: CommentOption = "",
    where: LocationOptions = HERE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Let the next wave begin: only a gate that asks for a person takes this, and only once.

    An approval never opens a gate that failed. When the gate is inconclusive, --comment is
    required. If no process watches the deployment, `otactl resume` goes on.
    """
    from otactl.model.wave import Act

    _decide(deployment, Act.APPROVE, where, output, wave=wave, comment=comment)


@located("region")
def reject(
    deployment: DeploymentArgument = None,
    comment: CommentOption = "",
    where: LocationOptions = HERE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Stop a deployment in waves: every open job of it is cancelled, without force.

    It may be said at any time. The process that watches the deployment carries it out, or the next
    `otactl resume`; both end with exit code 9.
    """
    from otactl.model.wave import Act

    _decide(deployment, Act.REJECT, where, output, comment=comment)


@located("region")
def pause(
    deployment: DeploymentArgument = None,
    comment: CommentOption = "",
    where: LocationOptions = HERE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Let no further wave begin until `otactl continue`; a gate may still fail meanwhile."""
    from otactl.model.wave import Act

    _decide(deployment, Act.PAUSE, where, output, comment=comment)


@located("region")
def continue_(
    deployment: DeploymentArgument = None,
    comment: CommentOption = "",
    where: LocationOptions = HERE,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Take a pause back."""
    from otactl.model.wave import Act

    _decide(deployment, Act.CONTINUE, where, output, comment=comment)


def _decide(
    deployment: str | None,
    act: Act,
    where: LocationOptions,
    output: OutputFormat,
    *,
    wave: str | None = None,
    comment: str = "",
) -> None:
    from otactl.operations.deciding import decide

    name, decision = decide(deployment, act, where, wave=wave, comment=comment)
    follow = f"`otactl resume {name}` goes on if no process watches it"
    print_decision({"deploymentId": name}, decision, output, follow)


def print_decision(
    of: dict[str, str], decision: Decision, output: OutputFormat, follow: str
) -> None:
    """Print what was decided, of what, and what follows."""
    from otactl.model.wave import decision_fields

    if output is OutputFormat.JSON:
        terminal.print_json(of | dict(decision_fields(decision)))
        return
    of_wave = f" wave {decision.wave}" if decision.wave else ""
    (name,) = of.values()
    terminal.note(f"{decision.act}{of_wave} of {name}, as {decision.identity}; {follow}")
