"""The commands under ``otactl queue``, each in its own file."""

from __future__ import annotations

import typer

from otactl.cli.queue.add import add, create
from otactl.cli.queue.change import approve, cancel, continue_, pause, reject, retry
from otactl.cli.queue.fetch import fetch
from otactl.cli.queue.init import init
from otactl.cli.queue.listing import list_requests, show
from otactl.cli.queue.run import run

_HELP = """Deployments queued for CI: add them here, let workers deploy them.

Make the table once (`init`), add deployments (`add`, `create`), and let a CI job run
`otactl queue run --once` regularly. A request is PendingDeployment, then Deploying, then
Deployed or Failed; `list` shows what each one waits for, `show` everything about one.
"""

app = typer.Typer(no_args_is_help=True, help=_HELP)
app.command()(add)
app.command()(approve)
app.command()(cancel)
app.command("continue")(continue_)
app.command()(create)
app.command()(fetch)
app.command()(init)
app.command("list")(list_requests)
app.command("pause")(pause)
app.command("reject")(reject)
app.command()(retry)
app.command()(run)
app.command()(show)
