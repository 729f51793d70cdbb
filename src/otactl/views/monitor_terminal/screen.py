"""The state of the screen and the effect of each key. Pure: the loop draws and performs the acts.

| key | in the overview | in the list of things | of one thing |
|---|---|---|---|
| Tab | next job | next job | |
| t, Enter | list the things | open the thing | |
| f, F | list, next or previous status | the same | |
| / | search by name or reason | the same | |
| arrows, Page, Home, End | | move | |
| c, C | cancel the job, C by force | the same | cancel its execution, C by force |
| a, x, p, P | approve, reject, pause, continue the waves | the same | |
| r | look now | look now | ask about it again |
| Esc | | back | back |
| q | quit | quit | quit |
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial

from otactl.model.status import ExecutionStatus
from otactl.model.wave import Act as GateAct

#: The filters in the order f goes through; None shows all.
FILTERS: tuple[ExecutionStatus | None, ...] = (
    None,
    ExecutionStatus.FAILED,
    ExecutionStatus.TIMED_OUT,
    ExecutionStatus.REJECTED,
    ExecutionStatus.IN_PROGRESS,
    ExecutionStatus.QUEUED,
    ExecutionStatus.SUCCEEDED,
    ExecutionStatus.CANCELED,
    ExecutionStatus.REMOVED,
)
#: Must be typed in full: a single wrong key must not stop a deployment.
CONSENT = "yes"
_MAX_TYPED = 128


class Mode(Enum):
    """What the screen shows."""

    OVERVIEW = "overview"
    THINGS = "things"
    THING = "thing"
    HELP = "help"


class Prompt(Enum):
    """What is being typed at the bottom."""

    NONE = "none"
    SEARCH = "search"
    CANCEL = "cancel"
    DECIDE = "decide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What is on the screen.

    Attributes:
        job: Which job, from 0.
        cursor: Which thing of the list, from 0.
        thing_name: The thing that is open.
        force: Whether the prompt asks about a forced cancellation.
        act: The decision that the prompt asks about.
        message: The result of the last action.
    """

    jobs: int = 1
    job: int = 0
    mode: Mode = Mode.OVERVIEW
    prompt: Prompt = Prompt.NONE
    typed: str = ""
    force: bool = False
    act: GateAct = GateAct.APPROVE
    status: ExecutionStatus | None = None
    search: str = ""
    cursor: int = 0
    thing_name: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class ListState:
    """The list of things, as far as keys depend on it.

    Attributes:
        things: How many things the list has.
        page: How many of them fit on the screen.
        thing_name: The one under the cursor; empty if there is none.
    """

    things: int = 0
    page: int = 10
    thing_name: str = ""


@dataclass(frozen=True, slots=True)
class Quit:
    """Leave."""


@dataclass(frozen=True, slots=True)
class PollNow:
    """Poll the service now."""


@dataclass(frozen=True, slots=True)
class ShowThing:
    """Read one thing from the service."""

    thing_name: str


@dataclass(frozen=True, slots=True)
class WantStatus:
    """List the things in this status too."""

    status: ExecutionStatus


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the job, or the execution on one thing."""

    thing_name: str | None
    force: bool


@dataclass(frozen=True, slots=True)
class Decide:
    """Send a decision to the gate of a wave."""

    act: GateAct
    comment: str


Act = Quit | PollNow | ShowThing | WantStatus | Cancel | Decide


def press(screen: Screen, key: str, list_state: ListState) -> tuple[Screen, Act | None]:
    """The screen after a key, and what the loop must do.

    Args:
        key: A printable character, or the name of a key: ``up``, ``enter``, ``escape`` …
        list_state: The list as it is now.
    """
    if screen.prompt is not Prompt.NONE:
        return _type(screen, key)
    screen = replace(screen, message="")
    command = _COMMANDS.get(key)
    return _move(screen, key, list_state) if command is None else command(screen)


Pressed = tuple[Screen, Act | None]


def _quit(screen: Screen) -> Pressed:
    return screen, Quit()


def _poll(screen: Screen) -> Pressed:
    if screen.mode is Mode.THING:
        return screen, ShowThing(screen.thing_name)
    return replace(screen, message="looking"), PollNow()


def _help(screen: Screen) -> Pressed:
    mode = Mode.OVERVIEW if screen.mode is Mode.HELP else Mode.HELP
    return replace(screen, mode=mode), None


def _back(screen: Screen) -> Pressed:
    mode = Mode.THINGS if screen.mode is Mode.THING else Mode.OVERVIEW
    return replace(screen, mode=mode), None


def _next_job(screen: Screen) -> Pressed:
    if screen.mode is Mode.THING:
        return screen, None
    return replace(screen, job=(screen.job + 1) % screen.jobs, cursor=0), None


def _ask_to_cancel(screen: Screen, *, force: bool) -> Pressed:
    return replace(screen, prompt=Prompt.CANCEL, typed="", force=force), None


def _ask_to_decide(screen: Screen, *, act: GateAct) -> Pressed:
    return replace(screen, prompt=Prompt.DECIDE, typed="", act=act), None


def _search(screen: Screen) -> Pressed:
    return replace(screen, prompt=Prompt.SEARCH, typed=screen.search), None


def _filter(screen: Screen, *, step: int) -> Pressed:
    """Show the list; if it is shown already, with the next filter."""
    at = FILTERS.index(screen.status)
    if screen.mode is Mode.THINGS:
        at = (at + step) % len(FILTERS)
    status = FILTERS[at]
    return replace(screen, mode=Mode.THINGS, status=status, cursor=0), (
        None if status is None else WantStatus(status)
    )


def _move(screen: Screen, key: str, list_state: ListState) -> Pressed:
    if screen.mode is Mode.OVERVIEW:
        if key in ("t", "enter", "down"):
            return replace(screen, mode=Mode.THINGS), None
        return screen, None
    if screen.mode is not Mode.THINGS:
        return screen, None
    if key == "enter":
        if not list_state.thing_name:
            return screen, None
        opened = replace(screen, mode=Mode.THING, thing_name=list_state.thing_name)
        return opened, ShowThing(list_state.thing_name)
    last = max(0, list_state.things - 1)
    steps = {
        "up": screen.cursor - 1,
        "down": screen.cursor + 1,
        "pageup": screen.cursor - list_state.page,
        "pagedown": screen.cursor + list_state.page,
        "home": 0,
        "end": last,
    }
    return replace(screen, cursor=min(max(0, steps.get(key, screen.cursor)), last)), None


def _type(screen: Screen, key: str) -> Pressed:
    """Handle a key while the user types into a prompt."""
    if key == "escape":
        return replace(screen, prompt=Prompt.NONE, typed=""), None
    if key == "backspace":
        return replace(screen, typed=screen.typed[:-1]), None
    if key != "enter":
        typed = screen.typed + key if len(key) == 1 else screen.typed
        return replace(screen, typed=typed[:_MAX_TYPED]), None
    return _ENTERED[screen.prompt](screen, replace(screen, prompt=Prompt.NONE, typed=""))


def _searched(screen: Screen, done: Screen) -> Pressed:
    return replace(done, search=screen.typed, mode=Mode.THINGS, cursor=0), None


def _canceled(screen: Screen, done: Screen) -> Pressed:
    if screen.typed.strip().lower() != CONSENT:
        return replace(done, message="nothing cancelled"), None
    thing_name = screen.thing_name if screen.mode is Mode.THING else None
    return replace(done, message="cancelling"), Cancel(thing_name, screen.force)


def _decided(screen: Screen, done: Screen) -> Pressed:
    consent, _, comment = screen.typed.strip().partition(" ")
    if consent.lower() != CONSENT:
        return replace(done, message="nothing decided"), None
    return replace(done, message=f"{screen.act}"), Decide(screen.act, comment.strip())


_ENTERED: dict[Prompt, Callable[[Screen, Screen], Pressed]] = {
    Prompt.SEARCH: _searched,
    Prompt.CANCEL: _canceled,
    Prompt.DECIDE: _decided,
}

_COMMANDS: dict[str, Callable[[Screen], Pressed]] = {
    "q": _quit,
    "Q": _quit,
    "r": _poll,
    "?": _help,
    "escape": _back,
    "tab": _next_job,
    "/": _search,
    "c": partial(_ask_to_cancel, force=False),
    "C": partial(_ask_to_cancel, force=True),
    "a": partial(_ask_to_decide, act=GateAct.APPROVE),
    "x": partial(_ask_to_decide, act=GateAct.REJECT),
    "p": partial(_ask_to_decide, act=GateAct.PAUSE),
    "P": partial(_ask_to_decide, act=GateAct.CONTINUE),
    "f": partial(_filter, step=1),
    "F": partial(_filter, step=-1),
}
