"""The forecast is right: the same scenario rehearsed with real devices and computed, side by side.

Each device of a rehearsal is dealt a behaviour by a seed; the forecast is told the same. What is
not random then must agree exactly: when each thing is notified, how its execution ends, in which
minute, after how many attempts, and at which count an abort comes. Within a minute the order in
which devices finish is the machine's business, so events are compared by the minute.

The local cloud's clock runs fast, so minutes pass in seconds; a device's work takes less than one
of its minutes. Where MiniStack differs from AWS's documentation, the forecast follows the
documentation; ``docs/forecast.md`` lists the differences, and the scenarios avoid them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.program import otactl
from tests.support.listed_fleet import Act, ListedFleet
from tests.support.timeline import Happening, timeline

from otactl.deploy.journal import Journal
from otactl.deploy.store import DeploymentStore
from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave
from otactl.forecast.ensemble import Scenario as Wanted
from otactl.forecast.ensemble import play
from otactl.forecast.profile import parse_profile
from otactl.forecast.run import Pace, run
from otactl.forecast.run_result import run_result
from otactl.model.status import ExecutionStatus
from otactl.operations.load import load_deployment

MINUTE_MS = 60_000
HORIZON_MINUTES = 60
SEED = 5
#: What a device's work takes at most by the rehearsal's clock: three attempts fit into a minute.
WORK_MS = 15_000

ACTS = {
    Behaviour.SUCCEED: Act(reports_after_ms=WORK_MS),
    Behaviour.FAIL: Act(reports_after_ms=WORK_MS, status=ExecutionStatus.FAILED),
    Behaviour.REJECT: Act(reports_after_ms=WORK_MS, status=ExecutionStatus.REJECTED),
    Behaviour.SILENT: Act(reports_after_ms=None),
    Behaviour.CORRUPT: Act(reports_after_ms=WORK_MS, status=ExecutionStatus.FAILED),
    Behaviour.DROP: Act(reports_after_ms=WORK_MS),
}


@dataclass(frozen=True)
class Scene:
    """One scenario: a policy, a fleet, and what everybody does."""

    name: str
    things: int
    sections: str
    switches: tuple[str, ...]
    behave: str = ""
    exit_code: int = 0
    speed: int = 20
    options: tuple[str, ...] = ()


def rollout(maximum: int, *, base: int | None = None, by: str = "", step: int = 0) -> str:
    text = f"[JOB_EXECUTE_ROLLOUT_CONFIG]\nmaximumPerMinute = {maximum}\n"
    if base is None:
        return text
    return text + (
        "useExponentialRateCfg = True\n[EXP_RATE_CONFIG]\n"
        f"baseRatePerMinute = {base}\nincrementFactor = 2.0\nuseRateIncreaseCriteria = True\n"
        f"[INCREASE_CRITERIA]\n{by} = {step}\n"
    )


def abort(kind: str, percentage: float, minimum: int) -> str:
    switch = {"ALL": "All", "FAILED": "Failed", "REJECTED": "Rejected", "TIMED_OUT": "TimedOut"}
    return (
        f"[ABORT_CONFIG]\nuse{switch[kind]}Subsection = True\n[ABORT_CONFIG_TYPE_{kind}]\n"
        f"failureType = {kind}\nthresholdPercentage = {percentage}\n"
        f"minNumberOfExecutedThings = {minimum}\n"
    )


def timeout(minutes: int) -> str:
    return f"[TIMEOUT_CONFIG]\ninProgressTimeoutInMinutes = {minutes}\n"


ROLLOUT, ABORT, TIMEOUT = "useJobExecutionsRolloutConfig", "useAbortConfig", "useTimeoutConfig"

SCENES = [
    Scene("a constant rate", 10, rollout(3), (ROLLOUT,)),
    Scene(
        "a rate that grows with the notified things",
        14,
        rollout(6, base=2, by="numberOfNotifiedThings", step=4),
        (ROLLOUT,),
    ),
    Scene(
        "a rate that grows with the succeeded things",
        16,
        rollout(8, base=2, by="numberOfSucceededThings", step=4),
        (ROLLOUT,),
        behave="fail=25",
        exit_code=1,
    ),
    Scene("failures", 12, rollout(5), (ROLLOUT,), behave="fail=25,corrupt=25", exit_code=1),
    Scene("rejections", 12, rollout(5), (ROLLOUT,), behave="reject=50", exit_code=1),
    Scene(
        "silent things that time out",
        10,
        rollout(5) + timeout(3),
        (ROLLOUT, TIMEOUT),
        behave="silent=30",
        exit_code=1,
    ),
    Scene(
        "an abort on failures",
        10,
        rollout(1) + abort("FAILED", 60, 3),
        (ROLLOUT, ABORT),
        behave="fail=100",
        exit_code=4,
    ),
    Scene(
        "an abort on rejections among successes",
        16,
        rollout(1) + abort("REJECTED", 40, 5),
        (ROLLOUT, ABORT),
        behave="reject=50",
        exit_code=4,
    ),
    Scene(
        "an abort on anything that is not success",
        16,
        rollout(1) + abort("ALL", 50, 4),
        (ROLLOUT, ABORT),
        behave="reject=30,fail=30",
        exit_code=4,
    ),
    Scene(
        "an abort on timeouts",
        8,
        rollout(1) + abort("TIMED_OUT", 50, 2) + timeout(2),
        (ROLLOUT, ABORT, TIMEOUT),
        behave="silent=100",
        exit_code=4,
    ),
    Scene(
        "retries",
        8,
        rollout(4) + "[RETRY_CONFIG]\nnumberOfRetriesFailed = 2\n",
        (ROLLOUT, "useRetryConfig"),
        behave="fail=25",
        exit_code=1,
        speed=10,  # three attempts in one of its minutes, on a machine that is busy too
    ),
    Scene(
        "a criterion that never fires",
        10,
        rollout(5) + abort("FAILED", 60, 5),
        (ROLLOUT, ABORT),
        behave="fail=20",
        exit_code=1,
    ),
]
QUICK = {
    "a rate that grows with the notified things",
    "an abort on rejections among successes",
    "silent things that time out",
}


def parameters():
    return [
        pytest.param(scene, id=scene.name, marks=() if scene.name in QUICK else (pytest.mark.slow,))
        for scene in SCENES
    ]


@pytest.fixture
def deployable(tmp_path, unique):
    return Deployable(
        folder=tmp_path,
        thing_names=["unused"],
        bucket=f"scenario-{unique}",
        role_arn="arn:aws:iam::123456789012:role/stream",
        job_id=f"scenario-{unique}",
        image_bytes=8_000,
    )


def rehearsed(deployable, scene, *, seed=SEED):
    """What a rehearsal came to: the run and its only round."""
    deployable.sections = scene.sections
    deployable.write(**dict.fromkeys(scene.switches, True))
    state_dir = deployable.folder / f"state-{seed}"
    done = otactl(
        "rehearse", str(deployable.path), *scene.options, "--things", str(scene.things),
        "--behave", scene.behave, "--seed", str(seed), "--speed", str(scene.speed),
        "--state-dir", str(state_dir), "--output", "json",
    )  # fmt: skip
    assert done.returncode == scene.exit_code, done.stderr
    deployment_id = json.loads(done.stdout)["deploymentId"]
    journal = Journal.read(DeploymentStore(state_dir).path(deployment_id))
    (only,) = journal.rounds
    journal.close()
    return only


def minute_of(time_ms: int, begin_ms: int) -> int:
    return round((time_ms - begin_ms) / MINUTE_MS)


def seen_in_rehearsal(only):
    """For each notified thing: minute of notification, its end, minute of the end, attempts."""
    notified = [o for o in only.outcomes if o.queued_at_ms is not None]
    begin_ms = min(outcome.queued_at_ms for outcome in notified)
    seen = {}
    for outcome in notified:
        ended = None
        if outcome.status.is_terminal and outcome.status is not ExecutionStatus.CANCELED:
            # The end is some seconds into its minute; the clock begins with the first batch.
            ended = (outcome.updated_at_ms - begin_ms) // MINUTE_MS
        seen[outcome.thing_name] = (
            minute_of(outcome.queued_at_ms, begin_ms),
            outcome.status,
            ended,
            outcome.execution_number,
        )
    return seen


def computed(deployable, scene):
    """The same from the forecast of that very scenario."""
    configuration = load_deployment(deployable.path).configuration
    names = [f"rehearsal-{number:05}" for number in range(1, scene.things + 1)]
    dealt = deal_behaviours(names, parse_behave(scene.behave), SEED)
    fleet = ListedFleet([(ACTS[dealt[name]],) for name in names])
    one_run = run(
        fleet,
        configuration.job,
        Pace(configuration.job.rollout, scene.things),
        np.arange(HORIZON_MINUTES + 1),
    )
    found = run_result(one_run, things=scene.things, image_bytes=1, horizon_minutes=HORIZON_MINUTES)
    seen = {}
    for event in timeline(one_run, horizon_minutes=HORIZON_MINUTES):
        if event.thing < 0:
            continue
        name = names[event.thing]
        queued, *_ = seen.get(name, (event.at_ms // MINUTE_MS,))
        if event.kind is Happening.QUEUED:
            queued = event.at_ms // MINUTE_MS
        ended = event.at_ms // MINUTE_MS if event.kind is Happening.ENDED else None
        seen[name] = (queued, event.status, ended, event.attempt)
    return seen, found


@pytest.mark.parametrize("scene", parameters())
def test_what_is_not_random_agrees_exactly(deployable, scene):
    only = rehearsed(deployable, scene)
    forecast, found = computed(deployable, scene)

    seen = seen_in_rehearsal(only)
    if found.aborted_ms is not None:
        # A device whose job was cancelled under it leaves no end; the others go on after the abort.
        unfinished = {
            name
            for name, (_, status, *_) in seen.items()
            if status in (ExecutionStatus.IN_PROGRESS, ExecutionStatus.CANCELED)
        }
        forecast = {name: reported for name, reported in forecast.items() if name not in unfinished}
        seen = {name: reported for name, reported in seen.items() if name not in unfinished}
        abort_minute = found.aborted_ms // MINUTE_MS
        executed = [ended for *_, ended, _ in seen.values() if ended <= abort_minute]
        assert len(executed) == found.executed_at_abort
    assert seen == forecast


RACK = (
    '[[group]]\nname = "rack"\nonline = 1\n'
    "start_delay_seconds = { low = 0, high = 5 }\n"
    "bandwidth_bytes_per_second = 50000\ninstall_seconds = 1\nreboot_seconds = 1\n"
    "failure_rate = 0.2\nsilence_rate = 0\n"
)


def played(deployable, scene, *, begin_ms=0):
    """Two hundred runs of the scenario, each with a fifth that fails."""
    wanted = Wanted(
        job=load_deployment(deployable.path).configuration.job,
        profile=parse_profile(RACK),
        things=scene.things,
        image_bytes=8_000,
        runs=200,
        seed=1,
        begins=datetime.fromtimestamp(begin_ms / 1000, UTC),
    )
    return play(wanted)


def is_in_band(value, counts):
    """Whether it lies between the 5th and the 95th of a hundred runs."""
    runs = sorted(counts)
    return runs[len(runs) // 20] <= value <= runs[-len(runs) // 20]


def test_what_is_random_lies_within_the_forecasts_band(deployable):
    scene = Scene("chance", 30, rollout(10), (ROLLOUT,), behave="fail=20", exit_code=1)
    only = rehearsed(deployable, scene)

    failed = [run.by_status.get(ExecutionStatus.FAILED, 0) for run in played(deployable, scene)]
    assert is_in_band(only.counts[ExecutionStatus.FAILED], failed)


@pytest.mark.slow  # faster, each by itself: tests/unit/forecast/test_closed_forms.py, and
# test_a_continuous_job_notifies_in_its_maintenance_windows_only
def test_with_maintenance_windows_what_comes_when_lies_within_the_forecasts_band(deployable):
    windows = (
        "[SCHEDULING_CONFIG]\nmaintenanceWindowList = Fives\n"
        "[MAINTENANCE_WINDOW_Fives]\nstartTime = cron(0/5 * * * ? *)\ndurationInMinutes = 2\n"
    )
    scene = Scene(
        "windows",
        14,
        rollout(3) + windows,
        (ROLLOUT, "useSchedulingConfig"),
        behave="fail=20",
        exit_code=1,
        speed=10,
        options=("--max-wait", "1500"),
    )
    deployable.default["targetSelection"] = "CONTINUOUS"
    only = rehearsed(deployable, scene)
    begin_ms = min(outcome.queued_at_ms for outcome in only.outcomes)
    runs = played(deployable, scene, begin_ms=begin_ms)

    # Three a minute, in two minutes of five: fourteen things take three windows at least. The
    # first one may be half over when the job begins.
    assert len({outcome.queued_at_ms // (5 * MINUTE_MS) for outcome in only.outcomes}) >= 3
    minutes = sorted(minute_of(outcome.queued_at_ms, begin_ms) for outcome in only.outcomes)
    ended = sorted((o.updated_at_ms - begin_ms) / MINUTE_MS for o in only.outcomes)
    for minute in range(int(minutes[-1]) + 3):
        at = np.array([minute])
        so_far = sum(each < minute for each in minutes)
        assert {int(run.curves.at("notified", at)[0]) for run in runs} == {so_far}, minute
        if minute % 5 == 4:  # shortly before the next window everything of the last has ended
            done = [
                int(run.curves.at("succeeded", at)[0] + run.curves.at("unsuccessful", at)[0])
                for run in runs
            ]
            assert is_in_band(sum(each < minute for each in ended), done), minute
    assert is_in_band(
        only.counts[ExecutionStatus.FAILED],
        [run.by_status.get(ExecutionStatus.FAILED, 0) for run in runs],
    )
