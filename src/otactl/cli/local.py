"""``otactl local``: a cloud on this machine, for rehearsals and for other AWS tools."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from otactl.cli import options, terminal
from otactl.cli.signals import Stopped
from otactl.errors import LocalResourceMissing
from otactl.model.local_cloud import LocalCloudAddress
from otactl.operations.state_directory import local_state_directory

app = typer.Typer(no_args_is_help=True, help="A cloud on this machine: AWS APIs, MQTT, streams.")


@app.command()
def up(
    *,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; it keeps running.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the AWS endpoint; 0 for a free one.")] = 0,
    mqtt_port: Annotated[int, typer.Option(help="Port of the broker; 0 for a free one.")] = 0,
    speed: Annotated[
        float, typer.Option(help="Seconds that pass in the cloud for each second here.")
    ] = 1.0,
    account_id: Annotated[
        str, typer.Option(help="Its account id, twelve digits.")
    ] = "000000000000",
    region: Annotated[str, typer.Option(help="Its region.")] = "us-east-1",
    host_name: Annotated[
        list[str] | None,
        typer.Option(help="Another host name of it, beside localhost; repeatable."),
    ] = None,
    state_dir: options.StateDir = None,
    output: options.Output = options.TEXT,
) -> None:
    """Start a local cloud, and stop it with Ctrl-C (or `otactl local down`)."""
    from otactl.cloud import CloudSettings, start_local_cloud

    settings = CloudSettings(
        port=port,
        mqtt_port=mqtt_port,
        state_dir=local_state_directory(state_dir),
        account_id=account_id,
        region=region,
        speed=speed,
        host_names=tuple(host_name or ()),
    )
    try:
        cloud = start_local_cloud(settings, detached=detach)
        if detach:
            _report(cloud.address, output, _point(state_dir), _stop(state_dir))
            return
        with cloud:
            _report(cloud.address, output, _point(state_dir), "Stop it with Ctrl-C.")
            cloud.wait()
            if not cloud.ended_orderly:
                raise LocalResourceMissing(
                    "the local cloud ended by itself", hint=f"its log is {cloud.log_file}"
                )
    except (KeyboardInterrupt, Stopped):
        pass  # the usual way to stop it, not a failure
    terminal.note("stopped")


@app.command()
def env(state_dir: options.StateDir = None, output: options.Output = options.TEXT) -> None:
    """Print the variables that point AWS tools to it: eval "$(otactl local env)"."""
    from otactl.cloud import read_record

    address = read_record(local_state_directory(state_dir))
    if address is None:
        raise LocalResourceMissing(
            f"no local cloud runs with the state directory {local_state_directory(state_dir)}",
            hint="start one with: " + _command("up --detach", state_dir),
        )
    variables = address.environment()
    if output is options.JSON:
        terminal.print_json(variables | _mqtt_fields(address))
        return
    for name, text in variables.items():
        typer.echo(f"export {name}={shlex.quote(text)}")


@app.command()
def status(state_dir: options.StateDir = None, output: options.Output = options.TEXT) -> None:
    """Show whether a local cloud runs, and where. Exit code 1 if none runs."""
    from otactl.cloud import read_record

    address = read_record(local_state_directory(state_dir))
    if address is not None:
        _report(address, output, _point(state_dir), _stop(state_dir))
        return
    if output is options.JSON:
        terminal.print_json({"running": False, "stateDir": str(local_state_directory(state_dir))})
    else:
        typer.echo("no local cloud runs; start one with: " + _command("up", state_dir))
    raise typer.Exit(1)


@app.command()
def down(state_dir: options.StateDir = None) -> None:
    """Stop the local cloud. Everything in it is deleted."""
    from otactl.cloud import stop_local_cloud

    stopped = stop_local_cloud(local_state_directory(state_dir))
    terminal.note("stopped" if stopped else "no local cloud runs")


def _command(words: str, state_dir: Path | None) -> str:
    flag = f" --state-dir {shlex.quote(str(state_dir))}" if state_dir else ""
    return f"otactl local {words}{flag}"


def _point(state_dir: Path | None) -> str:
    return f'Point a shell at it with: eval "$({_command("env", state_dir)})"'


def _stop(state_dir: Path | None) -> str:
    return "Stop it with: " + _command("down", state_dir)


def _mqtt_fields(address: LocalCloudAddress) -> dict[str, Any]:
    from otactl.model.json_output import account
    from otactl.model.json_output.shaping import shaped

    return {**shaped(account.CloudAddress, address)}


def _report(address: LocalCloudAddress, output: options.OutputFormat, *endings: str) -> None:
    from otactl.cloud import LOG_NAME

    log_file = str(Path(address.state_dir) / LOG_NAME)
    if output is options.JSON:
        terminal.print_json(
            {
                "running": True,
                "endpointUrl": address.endpoint_url,
                "region": address.region,
                "accountId": address.account_id,
                "clockSpeed": address.clock_speed,
                "pid": address.pid,
                "stateDir": address.state_dir,
                "logFile": log_file,
            }
            | _mqtt_fields(address)
        )
        return
    rows = (
        ("AWS endpoint", address.endpoint_url),
        ("MQTT broker", f"{address.mqtt_host}:{address.mqtt_port} (mutual TLS)"),
        ("CA of the broker", address.ca_file),
        ("account, region", f"{address.account_id}, {address.region}"),
        (
            "clock",
            "real time" if address.clock_speed == 1 else f"{address.clock_speed:g} times real time",
        ),
        ("process, log", f"{address.pid}, {log_file}"),
    )
    typer.echo("The local cloud is ready.")
    for name, text in rows:
        typer.echo(f"  {name:<17} {text}")
    for line in endings:
        typer.echo(line)
