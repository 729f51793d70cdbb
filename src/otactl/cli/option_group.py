"""Options that commands share, passed to each command as one argument.

    @grouped
    def report(deployment: …, *, where: Location) -> None: ...

has the options ``--profile``, ``--region``, ``--endpoint-url`` and ``--state-dir`` in place of
``where``, if ``Location`` is ``Annotated[LocationOptions, OptionGroup(build)]`` and these are the
parameters of ``build``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

Command = TypeVar("Command", bound="Callable[..., None]")


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """How several options become one value.

    Attributes:
        build: Makes the value; its parameters are the options.
        without: Options that a command does not have.
    """

    build: Callable[..., Any]
    without: tuple[str, ...] = ()

    def parameters(self) -> list[inspect.Parameter]:
        """The options."""
        # Typer does not evaluate annotations that are strings.
        found = inspect.signature(self.build, eval_str=True).parameters.values()
        return [_by_name(each) for each in found if each.name not in self.without]


def grouped(command: Command) -> Command:
    """Replace each argument of a command that is a group by the options of the group."""
    own = inspect.signature(command, eval_str=True)
    groups: dict[str, tuple[OptionGroup, list[inspect.Parameter]]] = {}
    parameters: list[inspect.Parameter] = []
    for name, parameter in own.parameters.items():
        for group in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(group, OptionGroup):
                groups[name] = group, group.parameters()
        parameters += groups[name][1] if name in groups else [_by_name(parameter)]

    @wraps(command)
    def run(*given: Any, **named: Any) -> None:
        for name, (group, options) in groups.items():
            if name not in named:
                values = {each.name: named.pop(each.name, each.default) for each in options}
                named[name] = group.build(**values)
        command(*given, **named)

    run.__dict__["__signature__"] = own.replace(parameters=parameters)
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return cast("Command", run)


def _by_name(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
