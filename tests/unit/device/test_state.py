"""The tables of the device: complete, closed, and drawn in the documentation as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from otactl.device.state import (
    STREAM_REMEDIES,
    TRANSITIONS,
    UPDATE_REMEDIES,
    IllegalTransition,
    Phase,
    Remedy,
    Trigger,
    step,
)

WORKING = set(Phase) - {Phase.IDLE, Phase.ACCEPTED}


def test_every_phase_has_a_row_and_every_trigger_is_used() -> None:
    assert set(TRANSITIONS) == set(Phase)
    assert {trigger for steps in TRANSITIONS.values() for trigger in steps} == set(Trigger)


def test_every_phase_is_reached_from_idle_and_leads_back_to_it() -> None:
    reached, frontier = {Phase.IDLE}, [Phase.IDLE]
    while frontier:
        for phase in TRANSITIONS[frontier.pop()].values():
            if phase not in reached:
                reached.add(phase)
                frontier.append(phase)

    assert reached == set(Phase)
    assert all(TRANSITIONS[phase][Trigger.JOB_GONE] is Phase.IDLE for phase in WORKING)


def test_nothing_but_the_right_image_leads_to_installing_and_booting() -> None:
    ways = {
        (phase, trigger)
        for phase, steps in TRANSITIONS.items()
        for trigger, following in steps.items()
        if following is Phase.INSTALLING
    }

    assert ways == {(Phase.VERIFYING, Trigger.IMAGE_RIGHT)}
    assert Trigger.SWITCHED not in {
        trigger for phase in set(Phase) - {Phase.INSTALLING} for trigger in TRANSITIONS[phase]
    }


def test_a_step_the_table_lacks_is_a_fault_of_ours() -> None:
    assert step(Phase.IDLE, Trigger.JOB_TAKEN) is Phase.ACCEPTED
    with pytest.raises(IllegalTransition, match="while idle"):
        step(Phase.IDLE, Trigger.BOOTED)


def draw() -> str:
    """The table as a Mermaid state diagram, as ``docs/fleet.md`` carries it."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.IDLE}"]
    lines += [
        f"    {phase} --> {following}: {trigger}"
        for phase, steps in TRANSITIONS.items()
        for trigger, following in steps.items()
    ]
    return "\n".join(lines)


def test_the_documentation_draws_the_table_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "fleet.md").read_text(encoding="utf-8")

    assert f"```mermaid\n{draw()}\n```" in page


def test_every_refusal_the_services_name_has_a_remedy() -> None:
    # Codes: AWS IoT Developer Guide, jobs-api and mqtt-based-file-delivery-in-devices.
    assert {code for code, remedy in UPDATE_REMEDIES.items() if remedy is Remedy.LET_GO} == {
        "InvalidStateTransition",
        "TerminalStateReached",
        "ResourceNotFound",
    }
    assert STREAM_REMEDIES["ETagMismatch"] is Remedy.GIVE_UP
    assert STREAM_REMEDIES["InternalError"] is Remedy.LATER
