"""A deployment in waves in memory that can be taken back, and what its things ran before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.dev_ini import section
from tests.support.wave_world import Fate, a_wave_world
from tests.unit.deploy.conftest import ACCOUNT, MemoryClock
from tests.unit.model.configuration.test_wave_section import wave_ini

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.deploy.journal import Journal
from otactl.deploy.planner import PlanOptions, Request
from otactl.deploy.preparation import prepare
from otactl.deploy.store import DeploymentStore, new_deployment_id
from otactl.model.status import ExecutionStatus
from otactl.operations.deployment import begin, run_deployment
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.frontend import Frontend
from otactl.operations.load import load_deployment
from otactl.operations.rollback.run import RollbackReport, RollbackRun

NEW = "2.0"
SUCCEEDED = Fate()
FAILED_EARLY = Fate(status=ExecutionStatus.FAILED, step="downloading")
DIED = Fate(takes_s=300, status=ExecutionStatus.TIMED_OUT, step="rebooting")


class RenewableClock(MemoryClock):
    """The clock of a command: who goes on after an end renews it."""

    is_asked_to_stop = False

    def renewed(self) -> RenewableClock:
        self.shielded = False
        return self


@dataclass(frozen=True, kw_only=True)
class MemoryEnvironment(DeploymentEnvironment):
    """A deployment's environment whose world is in memory."""

    world: Any = None

    def services(self):
        return replace(self.world.services, clock=self.clock, poll_seconds=self.poll_seconds)


class Warned(Frontend):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)


class RollbackSite:
    """One deployment: its files, its world, its journal.

    Args:
        folder: For files and journals.
        former: What each thing reports at the plan, by name.
        rollback: Keys of [ROLLBACK_CONFIG]; None for no such section.
        images: Versions whose file is there, and in imageList unless ``rollback`` says it.
        waves: Keys of [WAVE_CONFIG].
    """

    def __init__(
        self, folder: Path, former: dict[str, str | None], *, rollback=None, images=None, **waves
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "test.bin").write_bytes(b"new image")
        versions = sorted({one for one in former.values() if one is not None})
        for version in versions if images is None else images:
            (folder / f"{version}.bin").write_bytes(f"image {version}".encode())
        listed = ", ".join(f"{v}: {v}.bin" for v in (versions if images is None else images))
        keys = ({"imageList": listed} if listed else {}) | (rollback or {})
        sections = [section("VERIFY_CONFIG", versionPath="version")]
        sections += [section("IMAGE_CONFIG", imageVer=NEW)]
        sections += [section("ROLLBACK_CONFIG", **keys)] if keys else []
        waves = {
            "waveList": "canary:5, early:10",
            "soakMinutes": "1",
            "onGateFailure": "rollback",
        } | waves
        self.dev_ini = folder / "dev.ini"
        self.dev_ini.write_text(wave_ini(*sections, **waves))
        self.names = sorted(former)
        arns = [f"arn:aws:iot:us-east-1:{ACCOUNT}:thing/{name}\n" for name in self.names]
        (folder / "thingsList.txt").write_text("".join(arns))
        self.aws = a_wave_world()
        self.aws.clock = RenewableClock()
        self.aws.jobs.clock = self.aws.registry.clock = self.aws.alarms.clock = self.aws.clock
        self.aws.objects.buckets["ota-bucket"] = (ACCOUNT, "us-east-1")
        self.jobs, self.clock, self.states = self.aws.jobs, self.aws.clock, self.aws.thing_states
        for name, version in former.items():
            self.states.report(name, version=version, version_at_ms=1, is_connected=True)
        self.frontend = Warned()
        self.environment = MemoryEnvironment(
            clients=AwsClients(AwsSettings(region="us-east-1")),
            clock=self.clock,
            state_dir=folder / "state",
            poll_seconds=5.0,
            frontend=self.frontend,
            world=self.aws,
        )
        self.store = DeploymentStore(self.environment.state_dir)
        self.loaded = load_deployment(self.dev_ini)
        self.journal: Journal | None = None

    def plan(self):
        request = Request(
            configuration=self.loaded.configuration,
            thing_list=self.loaded.thing_list,
            custom_document=None,
            account=ACCOUNT,
            deployment_id=new_deployment_id(self.clock.now_ms()),
            options=PlanOptions(),
            journals=lambda: (journal for _, journal in self.store.journals()),
        )
        return prepare(request, self.aws.services)

    def deploy(self, fates: dict[str, list[Fate]]):
        """Carry it out; the things of a wave get these fates, by its order."""
        plan = self.plan()
        self.waves = plan.things_by_wave
        for wave, of_wave in fates.items():
            job_id = f"TestJob1234-{wave}"
            given = dict(zip(self.waves[wave], of_wave, strict=False))
            self.jobs.fates_of[job_id] = given
        self.journal = begin(self.loaded, plan, self.environment)
        result, failure = run_deployment(self.journal, self.environment)
        self.clock.sleep(1)
        return result, failure

    def took(self, *names: str) -> None:
        """Things report the new version, now."""
        now_s = self.clock.now_ms() // 1000
        self.states.report(*names, version=NEW, version_at_ms=now_s * 1000)

    def roll_back(self, **changes) -> RollbackReport:
        environment = replace(self.environment, **changes)
        return RollbackRun(self.journal, self.loaded, environment).run()

    @property
    def taken_back(self) -> dict[str, set[str]]:
        """The things whose rollback job succeeded, by the SHA-256 of what they got."""
        found: dict[str, set[str]] = {}
        for _, journal in self.store.journals():
            if not journal.plan.rollback_of:
                continue
            for job_id in journal.plan.job_ids:
                for one in self.jobs.all_of(job_id) if job_id in self.jobs.jobs else ():
                    if one.status is ExecutionStatus.SUCCEEDED:
                        found.setdefault(journal.plan.image_sha256, set()).add(one.thing_name)
        return found

    def close(self) -> None:
        if self.journal is not None:
            self.journal.close()


def sha256_of(version: str) -> str:
    """Of the image of a former version."""
    return hashlib.sha256(f"image {version}".encode()).hexdigest()
