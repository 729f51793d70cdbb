"""What becomes of a device after its SUCCEEDED: what it reports, when, and how it goes wrong."""

from __future__ import annotations

import pytest
from tests.support.device_world import FACTORY, World, image_of

from otactl.device.behaviour import Behaviour
from otactl.device.profile import DeviceProfile
from otactl.model.status import ExecutionStatus

CONTENT = bytes(range(256)) * 20
PROFILE = DeviceProfile(block_size=512, request_bytes=1024, reboot_ms=500)


def _after_a_job(behaviour: Behaviour, runs_well: frozenset[str] = frozenset()) -> World:
    world = World(profile=PROFILE, behaviour=behaviour, runs_well=runs_well)
    world.come_back()
    execution = world.queue(CONTENT, "job", image_of(CONTENT, version="2"))
    for _ in range(1000):
        if execution.status is ExecutionStatus.SUCCEEDED:
            return world
        _step(world)
    raise AssertionError(f"the execution is {execution.status}")


def _let_pass(world: World, duration_ms: int) -> None:
    """Let all happen that happens by itself within a time."""
    until_ms = world.now_ms + duration_ms
    while True:
        while world.do_chore() or world.to_service or world.to_device:
            if world.to_service:
                world.serve(world.to_service.pop(0))
            elif world.to_device:
                world.feed(world.to_device.pop(0))
        due = [at for at in (world.device.next_deadline_ms(), world.back_at_ms) if at is not None]
        if not due or min(due) > until_ms:
            world.now_ms = until_ms
            return
        world.let_time_pass()


def _reported(world: World) -> list[tuple[bytes, int]]:
    return [(version, boots) for version, boots, _ in world.version_reports]


def test_a_healthy_device_reports_when_it_connects_and_once_its_success_is_on_record() -> None:
    world = _after_a_job(Behaviour.SUCCEED)
    succeeded_at_ms = world.now_ms
    _let_pass(world, 60_000)

    # Not when it connected after the reboot: that report would be older than its SUCCEEDED.
    assert _reported(world) == [(FACTORY, 1), (CONTENT, 2)]
    seconds = [at_ms // 1000 for at_ms in (succeeded_at_ms, world.version_reports[-1][2])]
    assert seconds[0] < seconds[1], "by whole seconds, which is how shadows note times"


def test_a_device_that_only_lost_its_connection_reports_again_with_as_many_boots() -> None:
    world = _after_a_job(Behaviour.SUCCEED)
    _let_pass(world, 5_000)
    world.lose_connection()
    _let_pass(world, 1_000)

    assert _reported(world)[-2:] == [(CONTENT, 2), (CONTENT, 2)]


def test_a_failed_execution_is_followed_by_a_report_of_what_runs_still() -> None:
    world = World(profile=PROFILE, behaviour=Behaviour.FAIL)
    world.come_back()
    world.queue(CONTENT, "job")
    _let_pass(world, 60_000)

    assert _reported(world) == [(FACTORY, 1), (FACTORY, 1)]


def test_a_device_that_reverts_says_succeeded_first_and_reports_the_old_one_two_boots_later() -> (
    None
):
    world = _after_a_job(Behaviour.REVERT)
    succeeded_at_ms = world.now_ms
    assert (world.slots[world.active], world.boots) == (CONTENT, 1), "it has not rebooted yet"

    _let_pass(world, 60_000)

    assert _reported(world) == [(FACTORY, 1), (FACTORY, 3)]
    assert world.version_reports[-1][2] == succeeded_at_ms + 2 * PROFILE.reboot_ms
    assert world.device.is_settled


def test_a_liar_says_succeeded_and_reports_what_it_ran_before_without_a_boot() -> None:
    world = _after_a_job(Behaviour.LIAR)
    _let_pass(world, 60_000)

    assert _reported(world) == [(FACTORY, 1), (FACTORY, 1)]


def test_a_device_that_goes_dark_reports_the_new_version_once_and_is_gone() -> None:
    world = _after_a_job(Behaviour.DARK)
    _let_pass(world, 3_600_000)

    assert _reported(world) == [(FACTORY, 1), (CONTENT, 2)]
    assert (world.connected, world.gone) == (False, True)
    assert world.device.is_settled


def test_a_brick_says_succeeded_and_reports_nothing_of_the_new_image() -> None:
    world = _after_a_job(Behaviour.BRICK)
    _let_pass(world, 3_600_000)

    assert _reported(world) == [(FACTORY, 1)]
    assert (world.connected, world.gone, world.slots[world.active]) == (False, True, CONTENT)


def test_a_device_in_a_crash_loop_reports_more_boots_each_time_it_connects() -> None:
    world = _after_a_job(Behaviour.CRASHLOOP)
    _let_pass(world, 3 * (PROFILE.crash_ms + PROFILE.reboot_ms))

    assert _reported(world) == [(FACTORY, 1), *((CONTENT, boots) for boots in (2, 3, 4, 5))]


def test_a_late_device_reports_after_its_delay_and_not_when_it_reconnects_meanwhile() -> None:
    world = _after_a_job(Behaviour.LATE)
    succeeded_at_ms = world.now_ms
    _let_pass(world, 1_000)
    world.lose_connection()
    _let_pass(world, PROFILE.late_ms * 2)

    assert _reported(world) == [(FACTORY, 1), (CONTENT, 2)]
    assert world.version_reports[-1][2] == succeeded_at_ms + PROFILE.late_ms


@pytest.mark.parametrize("behaviour", [Behaviour.CRASHLOOP, Behaviour.LIAR, Behaviour.REVERT])
def test_an_image_that_ran_well_before_runs_well_again_and_ends_a_crash_loop(
    behaviour: Behaviour,
) -> None:
    world = _after_a_job(behaviour, runs_well=frozenset({"1"}))
    _let_pass(world, 5_000)
    former = b"the image of version 1"
    world.queue(former, "rollback", image_of(former, version="1", stream_id="r"))
    _let_pass(world, 1_000)
    boots = world.boots
    _let_pass(world, 3_600_000)

    assert world.executions[1].status is ExecutionStatus.SUCCEEDED
    assert (world.slots[world.active], world.boots) == (former, boots)
    assert _reported(world)[-1] == (former, boots)


@pytest.mark.parametrize(
    ("behaviour", "after"),
    [(Behaviour.REVERT, FACTORY), (Behaviour.LIAR, FACTORY), (Behaviour.BRICK, CONTENT)],
)
def test_a_new_process_sends_the_success_that_an_earlier_one_could_not(
    behaviour: Behaviour, after: bytes
) -> None:
    world = World(profile=PROFILE, behaviour=behaviour)
    world.come_back()
    execution = world.queue(CONTENT, "job")
    while world.saved is None or world.saved.report is None:
        _step(world)
    world.restart()
    _let_pass(world, 60_000)

    assert execution.status is ExecutionStatus.SUCCEEDED
    assert world.slots[world.active] == after


def _step(world: World) -> None:
    if world.to_service:
        world.serve(world.to_service.pop(0))
    elif world.to_device:
        world.feed(world.to_device.pop(0))
    elif not world.do_chore():
        world.let_time_pass()


def test_a_device_that_reports_no_version_reports_none() -> None:
    world = World(profile=PROFILE, behaviour=Behaviour.DARK, reports_version=False)
    world.come_back()
    world.queue(CONTENT, "job")
    _let_pass(world, 60_000)

    assert world.executions[0].status is ExecutionStatus.SUCCEEDED
    assert (world.version_reports, world.gone) == ([], True)
