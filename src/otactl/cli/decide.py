"""``otactl approve``, ``reject``, ``pause`` and ``continue``: people's decisions at gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from otactl.cli import options, terminal
from otactl.cli.option_group import grouped
from otactl.operations.location_options import LocationOptions

if TYPE_CHECKING:
    from otactl.model.wave import Decision

CommentOption = Annotated[
    str, typer.Option("--comment", metavar="TEXT", help="The reason; it is in the report.")
]
WaveOption = Annotated[
    str | None,
    typer.Option("--wave", metavar="NAME", help="Approve this wave only; refuse any other."),
]


@grouped
def approve(
    deployment: options.Deployment = None,
    wave: WaveOption = None,
    comment: CommentOption = "",
    *,
    where: options.StoredLocation,
    output: options.Output = options.TEXT,
) -> None:
    """Let the next wave begin: only a gate that waits for approval accepts this, only once.

    An approval never opens a gate that failed. If the gate is inconclusive, --comment is required.
    If no process watches the deployment, continue it with `otactl resume`.
    """
    _decide(deployment, "approve", where, output, wave=wave, comment=comment)


def _command(act: str, about: str) -> Callable[..., None]:
    """The command for an act about a deployment, at any wave."""

    @grouped
    def decide(
        deployment: options.Deployment = None,
        comment: CommentOption = "",
        *,
        where: options.StoredLocation,
        output: options.Output = options.TEXT,
    ) -> None:
        _decide(deployment, act, where, output, comment=comment)

    decide.__doc__ = about
    return decide


reject = _command(
    "reject",
    """Stop a deployment in waves: every open job of it is cancelled, without force.

    Possible at any time. The process that watches the deployment stops it, or the next
    `otactl resume` does; both end with exit code 9.
    """,
)
pause = _command(
    "pause", "Let no further wave begin until `otactl continue`; a gate may still fail meanwhile."
)
continue_ = _command("continue", "End a pause.")


def _decide(
    deployment: str | None,
    act: str,
    where: LocationOptions,
    output: options.OutputFormat,
    *,
    wave: str | None = None,
    comment: str = "",
) -> None:
    from otactl.model.wave import Act
    from otactl.operations.deciding import decide

    name, decision = decide(deployment, Act(act), where, wave=wave, comment=comment)
    follow = f"if no process watches it, continue with `otactl resume {name}`"
    print_decision({"deploymentId": name}, decision, output, follow)


def print_decision(
    of: dict[str, str], decision: Decision, output: options.OutputFormat, follow: str
) -> None:
    """Print the decision, what it is about, and what happens next."""
    from otactl.model.json_output import deployment
    from otactl.model.json_output.shaping import shaped

    if output is options.JSON:
        terminal.print_json(of | dict(shaped(deployment.Decision, decision)))
        return
    of_wave = f" wave {decision.wave}" if decision.wave else ""
    (name,) = of.values()
    terminal.note(f"{decision.act}{of_wave} of {name}, as {decision.identity}; {follow}")
