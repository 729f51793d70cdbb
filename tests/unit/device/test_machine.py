"""A device through whole jobs, step by step, in a world that the test holds in its hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.device_world import FACTORY, World, image_of

from otactl.device import effect as wanted
from otactl.device import event as happened
from otactl.device.behaviour import Behaviour
from otactl.device.job import Job
from otactl.device.machine import Device
from otactl.device.profile import DeviceProfile
from otactl.device.state import Phase
from otactl.model.document_format import DocumentFormat
from otactl.model.image import Image
from otactl.model.status import ExecutionStatus

CONTENT = bytes(range(256)) * 20
PROFILE = DeviceProfile(block_size=512, request_bytes=1024, idle_poll_ms=60_000)


def _world(behaviour: Behaviour = Behaviour.SUCCEED, profile: DeviceProfile = PROFILE) -> World:
    world = World(profile=profile, behaviour=behaviour)
    world.come_back()
    return world


def _run_until(world: World, phase: Phase) -> None:
    """Serve and deliver, but let no time pass unless nothing else is left."""
    for _ in range(10_000):
        if world.device.phase is phase:
            return
        if world.do_chore():
            continue
        if world.to_service:
            world.serve(world.to_service.pop(0))
        elif world.to_device:
            world.feed(world.to_device.pop(0))
        else:
            world.let_time_pass()
    raise AssertionError(f"{phase} was not reached; the device is {world.device.phase}")


def test_a_job_succeeds_and_the_new_image_runs() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")

    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.details["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert execution.details["retryCount"] == "0"
    assert world.slots[world.active] == CONTENT
    assert world.finished == [
        wanted.Finished(
            job_id="job",
            execution_number=1,
            status=ExecutionStatus.SUCCEEDED,
            sha256=hashlib.sha256(CONTENT).hexdigest(),
            download_ms=0,
            received_blocks=10,
        )
    ]


def test_a_job_that_was_pending_before_the_device_came_is_taken() -> None:
    world = World(profile=PROFILE, behaviour=Behaviour.SUCCEED)
    execution = world.queue(CONTENT, "job")

    world.come_back()
    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED


def test_jobs_queued_one_behind_another_are_done_in_order() -> None:
    world = _world()
    contents = [bytes([number]) * 700 for number in range(3)]
    for number, content in enumerate(contents):
        world.queue(content, f"job{number}", image_of(content, stream_id=f"s{number}"))

    world.run_fairly()

    assert [one.job_id for one in world.finished] == ["job0", "job1", "job2"]
    assert {one.status for one in world.executions} == {ExecutionStatus.SUCCEEDED}
    assert world.slots[world.active] == contents[2]


@pytest.mark.parametrize(
    ("behaviour", "status", "reason"),
    [
        (Behaviour.FAIL, ExecutionStatus.FAILED, "simulated failure while installing"),
        (Behaviour.REJECT, ExecutionStatus.REJECTED, "simulated rejection"),
    ],
)
def test_a_device_that_fails_says_so_and_boots_the_old_image(
    behaviour: Behaviour, status: ExecutionStatus, reason: str
) -> None:
    world = _world(behaviour)
    execution = world.queue(CONTENT, "job")

    world.run_fairly()

    assert (execution.status, execution.details["reason"]) == (status, reason)
    assert world.finished[0].reason == reason
    assert world.slots[world.active] == FACTORY


def test_a_silent_device_takes_the_job_and_the_next_one_when_it_timed_out() -> None:
    world = _world(Behaviour.SILENT)
    first = world.queue(CONTENT, "job1")
    _run_until(world, Phase.SILENT)
    second = world.queue(CONTENT, "job2")
    for _ in range(50):
        world.let_time_pass()
    assert first.status is ExecutionStatus.IN_PROGRESS
    assert not first.details

    world.take_away(first, ExecutionStatus.TIMED_OUT)
    while world.to_service or world.to_device:
        if world.to_service:
            world.serve(world.to_service.pop(0))
        else:
            world.feed(world.to_device.pop(0))

    assert second.status is ExecutionStatus.IN_PROGRESS
    assert world.device.job_id == "job2"
    assert [one.status for one in world.finished] == [None]


def test_a_device_that_drops_comes_back_and_asks_only_for_the_rest() -> None:
    world = _world(Behaviour.DROP)
    execution = world.queue(CONTENT, "job")

    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED
    assert world.sessions == 1
    # Blocks that were under way when the line broke are sent twice, never all of them.
    assert 10 <= world.blocks_served < 20


@pytest.mark.parametrize(
    "image",
    [
        image_of(CONTENT, md5=None),
        image_of(CONTENT, size_bytes=10**15),
        image_of(CONTENT, signature=b"\x30", signature_algorithm="none"),
    ],
)
def test_an_image_it_cannot_judge_is_rejected_before_a_block_is_asked_for(image: Image) -> None:
    world = _world()
    execution = world.queue(CONTENT, "job", image)

    world.run_fairly()

    assert execution.status is ExecutionStatus.REJECTED
    assert world.blocks_served == 0


def test_an_altered_image_is_never_booted() -> None:
    world = World(profile=PROFILE, behaviour=Behaviour.SUCCEED, tamper=lambda block: block[::-1])
    world.come_back()
    execution = world.queue(CONTENT, "job")

    world.run_fairly()

    assert execution.status is ExecutionStatus.FAILED
    assert execution.details["reason"] == "MD5 mismatch"
    assert execution.details["step"] == "verifying"
    assert world.slots[world.active] == FACTORY


def test_a_cancelled_job_is_let_go_and_the_next_one_taken() -> None:
    world = _world()
    first = world.queue(CONTENT, "job1")
    _run_until(world, Phase.DOWNLOADING)
    second = world.queue(CONTENT[:700], "job2", image_of(CONTENT[:700], stream_id="t"))

    world.take_away(first, ExecutionStatus.CANCELED)
    world.run_fairly()

    assert [(one.job_id, one.status) for one in world.finished] == [
        ("job1", None),
        ("job2", ExecutionStatus.SUCCEEDED),
    ]
    assert second.status is ExecutionStatus.SUCCEEDED


def test_a_job_cancelled_unheard_is_let_go_when_the_report_is_refused() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.REPORTING)

    execution.status = ExecutionStatus.CANCELED
    world.run_fairly()

    assert [one.status for one in world.finished] == [ExecutionStatus.CANCELED]


def test_a_late_notification_of_an_old_job_disturbs_nothing() -> None:
    world = _world()
    old = world.queue(CONTENT[:600], "old", image_of(CONTENT[:600], stream_id="t"))
    stale = happened.NextChanged(old.as_job())
    world.run_fairly()
    world.queue(CONTENT, "new")
    _run_until(world, Phase.DOWNLOADING)

    world.feed(stale)
    world.run_fairly()

    assert [one.job_id for one in world.finished] == ["old", "new"]
    assert world.finished[-1].status is ExecutionStatus.SUCCEEDED


def test_a_lost_notification_is_made_up_for_by_asking() -> None:
    world = _world()
    world.run_fairly()
    execution = world.queue(CONTENT, "job")
    world.to_device.clear()

    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED


def test_progress_is_reported_and_not_with_every_block() -> None:
    profile = replace(PROFILE, progress_blocks=4, progress_shortest_ms=0, install_ms=0)
    world = _world(profile=profile)
    reports: list[dict[str, str]] = []
    world.queue(CONTENT, "job")
    for _ in range(10_000):
        if world.do_chore():
            continue
        if world.to_service:
            request = world.to_service.pop(0)
            if isinstance(request, wanted.SendUpdate) and not request.report.is_final:
                reports.append(dict(request.report.details))
            world.serve(request)
        elif world.to_device:
            world.feed(world.to_device.pop(0))
        elif world.finished:
            break
        else:
            world.let_time_pass()

    # Ten blocks, a report at the fourth; the next ones may be overtaken by the next step's.
    assert (reports[0]["step"], reports[0]["receivedBlocks"]) == ("downloading", "4")
    assert len(reports) < 6
    assert {one["totalBlocks"] for one in reports} == {"10"}


def test_a_device_offline_goes_on_with_what_needs_no_connection() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.VERIFYING)

    world.lose_connection(10**7)
    while world.do_chore():
        pass
    for _ in range(5):
        world.carry_out(world.device.on_time(world.now_ms + 1000))
        while world.do_chore():
            pass
    assert world.device.phase is Phase.REBOOTING

    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED


def test_a_process_that_dies_between_switch_and_report_reports_after_all() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.REBOOTING)
    served = world.blocks_served

    world.restart()
    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.details["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert world.blocks_served == served


def test_a_verdict_outlives_the_process_that_came_to_it() -> None:
    world = _world(Behaviour.FAIL)
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.REPORTING)
    world.behaviour = Behaviour.SUCCEED

    world.restart()
    world.run_fairly()

    assert execution.status is ExecutionStatus.FAILED
    assert execution.details["reason"] == "simulated failure while installing"


def test_another_image_after_the_boot_is_a_failure() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.REBOOTING)
    world.boot_sha256 = "the boot loader fell back"

    world.run_fairly()

    assert execution.status is ExecutionStatus.FAILED
    assert execution.details["reason"] == "another image was booted"


def test_a_full_disk_is_a_reason_and_no_crash() -> None:
    world = _world()
    execution = world.queue(CONTENT, "job")
    _run_until(world, Phase.DOWNLOADING)

    world.feed(happened.SlotFailed(1, "No space left on device"))
    world.run_fairly()

    assert execution.status is ExecutionStatus.FAILED
    assert execution.details["reason"] == "slot: No space left on device"


def test_news_of_earlier_work_is_not_taken_for_news_of_this() -> None:
    world = _world()
    world.queue(CONTENT, "job")
    _run_until(world, Phase.VERIFYING)

    world.feed(happened.Verified(99, "0" * 64, None))
    world.feed(happened.SlotFailed(99, "x"))

    assert world.device.phase is Phase.VERIFYING


def test_a_spent_url_is_asked_for_anew_and_the_download_goes_on() -> None:
    device = Device("thing", session="s", profile=replace(PROFILE, range_bytes=512))
    image = Image(size_bytes=1024, url="https://a/1", md5="0" * 32)
    job = Job(job_id="j", version_number=2, queued_at_seconds=1, image=image)
    device.handle(happened.Connected(), 0)
    first = device.handle(happened.JobAnswered("s-1", job), 0)
    fetches = [one for one in first if isinstance(one, wanted.FetchRange)]
    assert [one.first_byte for one in fetches] == [0, 512]
    device.handle(happened.RangeReceived(fetches[0].token, bytes(512)), 10)

    spent = device.handle(happened.RangeFailed(fetches[1].token, 403), 20)

    (question,) = [one for one in spent if isinstance(one, wanted.AskDescribeNext)]
    fresh = replace(job, image=replace(image, url="https://a/2"))
    again = device.handle(happened.JobAnswered(question.token, fresh), 30)
    assert [(one.url, one.first_byte) for one in again if isinstance(one, wanted.FetchRange)] == [
        ("https://a/2", 512)
    ]


def test_a_refused_question_is_asked_again_later() -> None:
    device = Device("thing", session="s")
    (question,) = device.handle(happened.Connected(), 0)
    assert isinstance(question, wanted.AskStartNext)

    assert device.handle(happened.JobRefused(question.token, "RequestThrottled"), 10) == []

    deadline = device.next_deadline_ms()
    assert deadline is not None
    assert deadline > 10_000
    assert device.on_time(deadline) == [question]
    assert not device.is_settled
    device.handle(happened.JobAnswered(question.token, None), deadline)
    assert device.is_settled


def _downloading(behaviour: Behaviour = Behaviour.SUCCEED) -> tuple[Device, Job]:
    """A device that has taken a job and asked for its first blocks, driven without a world."""
    device = Device("thing", session="s", profile=PROFILE, behaviour=behaviour)
    job = Job(job_id="j", version_number=2, queued_at_seconds=1, image=image_of(CONTENT))
    device.handle(happened.Connected(), 0)
    device.handle(happened.JobAnswered("s-1", job), 0)
    return device, job


@pytest.mark.parametrize(
    "change",
    [
        {"status": ExecutionStatus.QUEUED},
        {"queued_at_seconds": 2},
        {"execution_number": 2},
        {"job_id": "k"},
    ],
)
def test_what_the_service_names_instead_ends_the_work_in_hand(change: dict[str, object]) -> None:
    device, job = _downloading()
    (question,) = device.handle(happened.NextChanged(None), 10)
    assert isinstance(question, wanted.AskDescribeNext)

    answer = replace(job, **change)  # type: ignore[arg-type]  # the parameters above
    effects = device.handle(happened.JobAnswered(question.token, answer), 20)

    (finished,) = [effect for effect in effects if isinstance(effect, wanted.Finished)]
    assert (finished.job_id, finished.status) == ("j", None)
    assert isinstance(effects[-1], wanted.AskStartNext)


def test_the_same_execution_goes_on_and_its_version_is_taken_over() -> None:
    device, job = _downloading()
    (question,) = device.handle(happened.NextChanged(None), 10)
    assert isinstance(question, wanted.AskDescribeNext)

    answer = happened.JobAnswered(question.token, replace(job, version_number=9))

    assert device.handle(answer, 20) == []
    assert device.phase is Phase.DOWNLOADING


def test_a_silent_device_learns_in_time_that_its_job_is_gone() -> None:
    # The notification was lost, and a silent device sends nothing that could be refused.
    device, _ = _downloading(Behaviour.SILENT)
    assert device.phase is Phase.SILENT

    deadline = device.next_deadline_ms()
    assert deadline == PROFILE.idle_poll_ms
    (question,) = device.on_time(deadline)
    assert isinstance(question, wanted.AskDescribeNext)
    device.handle(happened.JobAnswered(question.token, None), deadline)

    assert device.phase is Phase.IDLE


def test_what_cuts_the_connection_comes_last() -> None:
    # Whatever follows it in a batch could not be sent any more.
    profile = replace(PROFILE, progress_blocks=1, progress_shortest_ms=0)
    device = Device("thing", session="s", profile=profile, behaviour=Behaviour.DROP)
    job = Job(job_id="j", image=image_of(CONTENT))
    device.handle(happened.Connected(), 0)
    device.handle(happened.JobAnswered("s-1", job), 0)
    for block in range(4):
        for effect in device.handle(_block(block), 1):
            if isinstance(effect, wanted.SendUpdate):
                device.handle(happened.UpdateAccepted(effect.token), 1)

    effects = device.handle(_block(4), 1)

    kinds = [type(effect) for effect in effects]
    assert wanted.SendUpdate in kinds
    assert kinds[-1] is wanted.DropConnection


def _block(number: int) -> happened.BlockReceived:
    return happened.BlockReceived("s", 3, number, CONTENT[number * 512 :][:512])


SIGNING_KEY = ec.generate_private_key(ec.SECP256R1())


def _agent_image(content: bytes, signed: bytes) -> Image:
    signature = SIGNING_KEY.sign(signed, ec.ECDSA(hashes.SHA256()))
    return image_of(content, md5=None, signature=signature, document_format=DocumentFormat.AFR_OTA)


def _agent_world(profile: DeviceProfile = PROFILE) -> World:
    public_key = SIGNING_KEY.public_key()
    world = World(profile=profile, behaviour=Behaviour.SUCCEED, public_key=public_key)
    world.come_back()
    return world


def test_a_freertos_agent_tests_itself_after_the_reboot_and_reports_in_its_own_keys() -> None:
    # Reports are not held back.
    world = _agent_world(replace(PROFILE, progress_shortest_ms=0, progress_blocks=2))
    execution = world.queue(CONTENT, "job", _agent_image(CONTENT, CONTENT))
    world.run_fairly()

    blocks = -(-len(CONTENT) // PROFILE.block_size)
    said = [dict(report.details) for report in world.reports]
    received = [details["receive"] for details in said if "receive" in details]
    assert received[0] == f"1/{blocks}"
    assert len(received) > 1
    assert all(one.endswith(f"/{blocks}") for one in received)
    rest = [details for details in said if "receive" not in details]
    assert [details.get("self_test") for details in rest] == ["ready", "active", None]
    assert [details["updatedBy"] for details in rest] == ["0x01000000"] * 3
    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.details["reason"] == "accepted"
    assert world.finished[0].reason == ""
    assert not {"step", "downloadTime", "receivedBlocks"} & {key for one in said for key in one}


def test_a_freertos_agent_that_died_after_the_switch_tests_itself_too() -> None:
    world = _agent_world()
    execution = world.queue(CONTENT, "job", _agent_image(CONTENT, CONTENT))
    _run_until(world, Phase.REBOOTING)

    world.restart()
    _run_until(world, Phase.SELF_TESTING)
    world.run_fairly()

    assert execution.status is ExecutionStatus.SUCCEEDED
    assert execution.details["reason"] == "accepted"


def test_a_freertos_agent_fails_an_image_that_another_signature_is_of() -> None:
    world = _agent_world()
    execution = world.queue(CONTENT, "job", _agent_image(CONTENT, b"another image"))
    world.run_fairly()

    assert execution.status is ExecutionStatus.FAILED
    assert execution.details["reason"] == "signature mismatch"
    assert world.active == 0
