"""Workers that die while they close what a finished request left open: the next visit goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from tests.support.memory_queue import MemoryTable, request_for
from tests.support.wave_world import NEVER, Fate
from tests.unit.deploy.test_waves import Site

from otactl.deploy.wave_closing import left_open, open_until_ms
from otactl.errors import AwsRefused
from otactl.jobqueue.request import LeftOpen
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.trust import Trust
from otactl.operations.frontend import Frontend
from otactl.operations.queue.closing import CLOSING_PAUSE_MS, close_due
from otactl.operations.queue.session import QueueSession


class Killed(BaseException):
    """The process is gone."""


class Life:
    """Counts instants, and ends at one."""

    def __init__(self, at: int = 0) -> None:
        self.instants, self._at = 0, at

    def tick(self) -> None:
        self.instants += 1
        if self.instants == self._at:
            raise Killed


class Mortal:
    """Hands calls on; before and after each the process may be killed."""

    def __init__(self, wrapped, life: Life) -> None:
        self._wrapped, self._life = wrapped, life

    def __getattr__(self, name):
        def call(*arguments, **options):
            self._life.tick()
            answer = getattr(self._wrapped, name)(*arguments, **options)
            self._life.tick()
            return answer

        return call


class Told(Frontend):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Denied:
    """IoT Jobs for credentials that may do nothing."""

    def describe(self, _job_id):
        raise AwsRefused("iot:DescribeJob", "AccessDeniedException", "no")


@dataclass(frozen=True)
class Session(QueueSession):
    """A worker's view of a queue in memory."""

    site: Site
    requests: MemoryTable
    life: Life
    is_denied: bool = False

    @property
    def table(self):
        return Mortal(self.requests, self.life)

    @property
    def now_ms(self):
        return self.site.aws.clock.now_ms

    def jobs_and_groups(self, region):
        assert region == self.site.plan.region
        if self.is_denied:
            return Denied(), None
        return Mortal(self.site.jobs, self.life), Mortal(self.site.aws.registry, self.life)


class World:
    """A queue with one request that left a job and its group open."""

    def __init__(self, folder, straggler: Fate = NEVER) -> None:
        folder.mkdir(exist_ok=True)
        self.site = site = Site(
            folder,
            things=200,
            requiredEndedPercentage="60",
            openDays="2",
            waveList="a:20, b:160",
        )
        site.jobs.fates |= {site.waves["b"][0]: NEVER, site.waves["b"][1]: straggler}
        site.run()
        jobs, due_ms = left_open(site.journal), open_until_ms(site.plan, site.journal)
        site.journal.close()
        assert jobs is not None
        done = replace(request_for("a"), state=RequestState.DEPLOYED, open_until_ms=due_ms)
        self.requests = MemoryTable()
        self.requests.add([done])
        self.requests.left_open.append(LeftOpen(order_key=done.order_key, due_ms=due_ms, jobs=jobs))

    def pass_days(self, days: float) -> None:
        self.site.aws.clock.sleep(86_400 * days)

    def visit(self, life: Life | None = None, *, is_denied: bool = False, **limits) -> Told:
        told = Told()
        place = ("queue", None, "us-east-1", None)
        session = Session(*place, self.site, self.requests, life or Life(), is_denied)
        close_due(session, Trust(**limits), told)
        return told

    @property
    def request(self):
        (one,) = self.requests.listed(RequestState.DEPLOYED)
        return one

    @property
    def is_closed(self) -> bool:
        job = self.site.jobs.jobs["TestJob1234-b"]
        is_canceled = job.canceled_ms is not None and job.reason_code == "OTACTL_CLOSE_CANCEL"
        return is_canceled and not self.site.aws.registry.groups and not self.requests.left_open


def test_nothing_is_touched_before_open_days_are_over_and_all_is_closed_after(tmp_path):
    world = World(tmp_path)
    world.pass_days(1.9)
    assert world.visit().notes == []
    assert world.site.jobs.jobs["TestJob1234-b"].canceled_ms is None

    world.pass_days(0.2)
    told = world.visit()

    assert world.is_closed
    assert told.notes == [f"{world.request.job_id}: openDays are over; its jobs are closed"]
    assert world.request.closed_ms == world.site.aws.clock.now_ms()
    assert world.visit().notes == []


def test_a_worker_that_dies_at_any_instant_of_it_is_made_up_for(tmp_path):
    undisturbed, life = World(tmp_path / "undisturbed"), Life()
    undisturbed.pass_days(3)
    undisturbed.visit(life)
    assert life.instants > 10

    for at in range(1, life.instants + 1):
        world = World(tmp_path / str(at))
        world.pass_days(3)
        with pytest.raises(Killed):
            world.visit(Life(at))
        # The entry is due again when the time is over in which the lost one could be at work.
        world.site.aws.clock.sleep(CLOSING_PAUSE_MS / 1000)
        world.visit()

        assert world.is_closed, at
        assert world.request.closed_ms is not None, at


def test_what_is_at_work_when_the_job_is_closed_goes_on_and_is_looked_at_again(tmp_path):
    day_s = 86_400
    world = World(tmp_path, Fate(online_at_s=2.9 * day_s, takes_s=0.2 * day_s))
    world.pass_days(3)
    assert world.visit().notes[0].endswith("openDays are over; still queued or in progress: 1")
    assert world.visit().notes == []
    assert list(world.site.aws.registry.groups)

    world.pass_days(0.2)
    world.visit()

    assert world.is_closed


def test_a_region_that_the_worker_is_not_for_and_a_refusal_stop_no_worker(tmp_path):
    world = World(tmp_path)
    world.pass_days(3)
    assert world.visit(regions=frozenset({"eu-west-1"})).notes == []

    (warning,) = world.visit(is_denied=True).warnings

    assert "left open could not be closed" in warning
    assert len(world.requests.left_open) == 1
    assert not world.is_closed
