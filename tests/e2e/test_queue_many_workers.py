"""Many workers on many requests, killed at random: each request is deployed once, none is lost.

The deployments are real ones, image, stream, job and clean-up, to one thing each; the things answer
by HTTPS and download nothing. Several requests are for the same thing, so the workers must also
keep out of one another's way. The full series is 20 workers on 1,000 requests (``make test-all``);
a sample runs always. The figures are printed.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

import pytest
from tests.support.answering_devices import AnsweringDevices
from tests.support.queue_site import REGION, QueueSite

from otactl.deploy.journal import Journal
from otactl.errors import UserMistake
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.submission import RequestOptions
from otactl.operations.load import load_deployment
from otactl.operations.queue.session import QueueSession
from otactl.operations.queue.submit import Submission, submit

if TYPE_CHECKING:
    from pathlib import Path

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

LEASE_SECONDS = 12


class Killer:
    """Keeps so many workers running, and kills one of them now and then.

    Args:
        site: Where they work.
        size: How many there are.
        kill_every_seconds: On average.
    """

    def __init__(self, site: QueueSite, size: int, kill_every_seconds: float) -> None:
        self._site = site
        self._kill_every_seconds = kill_every_seconds
        self._chance = random.Random(size)  # noqa: S311  # no secret hangs on it
        self._workers = [self._start() for _ in range(size)]
        self.kills = 0
        self.orderly_ends: list[int] = []

    def _start(self) -> subprocess.Popen[str]:
        # Each worker appends to a file: a pipe that nobody reads would stop it.
        command = self._site.worker_command(
            "--lease", str(LEASE_SECONDS), "--max-attempts", "1000", "--details", "1"
        )
        with (self._site.folder / "workers.log").open("a") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, text=True,
                cwd=self._site.folder, env=self._site.environment,
            )  # fmt: skip

    def run(self, until: threading.Event) -> None:
        """Kill and replace until told to stop."""
        while not until.wait(self._chance.expovariate(1 / self._kill_every_seconds)):
            number = self._chance.randrange(len(self._workers))
            worker = self._workers[number]
            worker.send_signal(signal.SIGKILL)
            if worker.wait() != -signal.SIGKILL:
                self.orderly_ends.append(worker.returncode)
            self.kills += 1
            self._workers[number] = self._start()

    def stop(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.wait()


def add_all(site: QueueSite, count: int) -> list[str]:
    """Put requests in, each for one thing, the things in turn."""
    files = [site.write_deployment([thing], f"{thing}.ini") for thing in site.things]

    class SiteSession(QueueSession):
        @cached_property
        def clients(self) -> AwsClients:
            return site.clients

    session = SiteSession(site.table_name, None, REGION, site.cloud.address.endpoint_url)
    now_ms = time.time_ns() // 1_000_000

    def add(number: int) -> str:
        loaded = load_deployment(files[number % len(files)])
        submission = Submission(
            loaded=loaded, bucket=site.bucket, options=RequestOptions(), split=None
        )
        (request,) = submit(submission, session, now_ms=now_ms + number)
        return request.job_id

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(add, range(count)))


@pytest.mark.parametrize(
    ("workers", "requests", "things", "kill_every_seconds"),
    [
        pytest.param(4, 12, 8, 2.0, id="sample", marks=pytest.mark.timeout(600)),
        pytest.param(
            20, 1000, 60, 2.0, id="full", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]
        ),
    ],
)
def test_killed_at_random_workers_deploy_every_request_exactly_once(
    cloud: RunningCloud,
    clients: AwsClients,
    unique: str,
    tmp_path: Path,
    workers: int,
    requests: int,
    things: int,
    kill_every_seconds: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = QueueSite(cloud, clients, unique, tmp_path, things=things)
    ids = add_all(site, requests)
    over = threading.Event()
    started = time.monotonic()
    longest_wait_ms = 0
    with AnsweringDevices(clients, things=site.things, pause_seconds=0.2) as devices:
        crew = Killer(site, workers, kill_every_seconds)
        killing = threading.Thread(target=crew.run, args=(over,))
        killing.start()
        try:
            while len(list(site.table.listed(RequestState.DEPLOYED))) < requests:
                assert not list(site.table.listed(RequestState.FAILED))
                now_ms = time.time_ns() // 1_000_000
                for request in site.table.active().requests:
                    assert request.lease is not None
                    longest_wait_ms = max(longest_wait_ms, now_ms - request.lease.until_ms)
                time.sleep(1)
        finally:
            over.set()
            killing.join()
            crew.stop()
    seconds = time.monotonic() - started

    deployed = list(site.table.listed(RequestState.DEPLOYED))
    attempts = Counter(each.fence for each in deployed if isinstance(each, JobRequest))
    figures = (
        f"\n{requests} requests for {things} things, {workers} workers: {seconds:.0f} s,"
        f" {crew.kills} workers killed, {sum(attempts.values()) - attempts[1]} requests taken over,"
        f" workers per request {dict(sorted(attempts.items()))},"
        f" a lease that was over waited {max(0, longest_wait_ms) / 1000:.1f} s at most\n"
    )
    with capsys.disabled():
        sys.stdout.write(figures)
    assert sorted(site.states()) == sorted(ids)
    assert devices.carried_out == Counter(
        (job_id, things_name)
        for number, job_id in enumerate(ids)
        for things_name in [site.things[number % things]]
    )
    assert devices.collisions == []
    assert crew.kills > requests / 20
    assert attempts[1] < requests, "no worker was killed in the middle of a request"
    assert longest_wait_ms < 60_000, "a request stayed where its worker had left it"
    assert site.jobs() == []
    _check_journals(site, ids)


def _check_journals(site: QueueSite, ids: list[str]) -> None:
    """Every journal of a request is of the one deployment the request stands for."""
    found: dict[str, set[str]] = {job_id: set() for job_id in ids}
    finished: set[str] = set()
    for path in site.folder.glob("state/queue/*/deployments/*.sqlite"):
        try:
            with closing(Journal.read(path)) as journal:
                plan = journal.plan
        except UserMistake:  # its worker was killed while it began it
            continue
        found[plan.job_id].add(plan.deployment_id)
        finished.add(plan.job_id)
    assert finished == set(ids)
    assert {len(deployments) for deployments in found.values()} == {1}
