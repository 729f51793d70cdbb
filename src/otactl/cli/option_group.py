"""Options that commands share, handed to each as one argument.

    @located()
    def report(deployment: …, where: LocationOptions = HERE) -> None: ...

has the options ``--profile``, ``--region``, ``--endpoint-url`` and ``--state-dir`` where it names
``where``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from otactl.cli.options import EndpointUrlOption, ProfileOption, RegionOption, StateDirOption
from otactl.operations.location_options import LocationOptions

Command = TypeVar("Command", bound="Callable[..., None]")

_LOCATION = {
    "profile": ProfileOption,
    "region": RegionOption,
    "endpoint_url": EndpointUrlOption,
    "state_dir": StateDirOption,
}
#: What a command's ``where`` is when it is called without options.
HERE = LocationOptions()


def located(*without: str) -> Callable[[Command], Command]:
    """Give a command the options that say where to work, as its argument ``where``.

    Args:
        without: Options that mean nothing to the command.
    """
    options = {name: kind for name, kind in _LOCATION.items() if name not in without}
    return grouped("where", LocationOptions, dict.fromkeys(options), options)


def grouped(
    name: str, build: Callable[..., Any], defaults: Mapping[str, Any], kinds: Mapping[str, Any]
) -> Callable[[Command], Command]:
    """Replace an argument of a command by options, from which its value is built.

    Args:
        name: The argument.
        build: Makes its value; takes the options by name.
        defaults: Of the options.
        kinds: Their annotations.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(*given: Any, **named: Any) -> None:
            if name not in named:
                named[name] = build(**{key: named.pop(key, defaults[key]) for key in kinds})
            command(*given, **named)

        options = [
            inspect.Parameter(
                key, inspect.Parameter.KEYWORD_ONLY, default=defaults[key], annotation=kind
            )
            for key, kind in kinds.items()
        ]
        # Typer takes a signature as it is: names in strings would stay strings.
        own = inspect.signature(command, eval_str=True)
        parameters = []
        for parameter in own.parameters.values():
            if parameter.name == name:
                parameters += options
            else:
                parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        run.__dict__["__signature__"] = own.replace(parameters=parameters)
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        return cast("Command", run)

    return decorate
