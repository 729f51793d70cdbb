"""The hops of a test through the stack, one line each as it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.views.foreign_text import escape

if TYPE_CHECKING:
    from rich.console import Console

    from otactl.aws.stack_probe import Hop


def print_hop(console: Console, hop: Hop) -> None:
    """Print one hop: whether the event arrived, how long it took, what was seen."""
    mark = "[green]✓[/]" if hop.arrived else "[red]✗[/]"
    if hop.is_empty:
        mark = "[yellow]-[/]"
    duration = f" [dim]{hop.seconds:.1f} s[/]" if hop.seconds else ""
    console.print(f"{mark} {escape(hop.name)}{duration}", soft_wrap=True)
    console.print(f"  [dim]{escape(hop.detail)}[/]", soft_wrap=True)
