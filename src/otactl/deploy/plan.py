"""A plan: everything a deployment will do, in order, as values.

It can be printed before anything happens (``otactl plan``, ``--dry-run``), the journal keeps it,
and its fingerprint shows whether a deployment would still be the one that a user reviewed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from otactl.deploy.eligibility import Choice
from otactl.deploy.step import AnyStep, CreateJob, Step
from otactl.model.comparison import ComparisonPlan
from otactl.model.json_output import deployment as json_deployment
from otactl.model.json_output.shaping import shaped
from otactl.model.verify import VerifyRule
from otactl.model.wave import GateRule

_NOT_PROMISED = ("deployment_id", "source", "preparation_calls", "signature")


class PlannedWave(BaseModel, frozen=True, extra="forbid"):
    """One wave of a plan.

    Attributes:
        group_name: The thing group of its things; empty if its job names them.
        things_sha256: A digest of the names of its things.
    """

    name: str
    size: str
    job_id: str
    things: int
    things_sha256: str
    group_name: str = ""
    rule: GateRule


class Plan(BaseModel, frozen=True, extra="forbid"):
    """The steps of a deployment.

    Attributes:
        deployment_id: Unique; everything created has it.
        source: The configuration file, as the user gave it.
        things: How many things the deployment is for.
        setup: Steps done once, before the first round.
        rounds: The steps of each round, undone before the next one begins.
        clean_up: Whether everything is undone at the end.
        delay_seconds: The pause between rounds.
        waves: The waves, each of which has a round of steps; empty if one job has all things.
        closing: Steps done at the end, also of a deployment that failed at a gate.
        abort_wait_seconds: How long to wait for things in progress after waves were stopped.
        open_days: How long jobs stay open for stragglers after the last verdict.
        comparison: How waves are compared with controls; None if they are not.
        excepted: Things in no wave that a control is drawn from; stored separately in the journal.
        left_out: How many listed things get no image, by reason.
        choice: Which things get the image and which do not; stored separately in the journal.
        prefers_recent: Whether recently connected things are in the first waves.
        verify: How versions are verified; None if they are not.
        wave_things: The names of each wave's things; stored separately in the journal.
        image_version: What things report when the image runs; empty if the file does not say.
        rolls_back: Whether a gate that fails is followed by a rollback.
        rollback_of: The deployment that this one rolls back; empty for any other.
        signature: As in the documents, base64; empty for an unsigned image.
        preparation_calls: The API calls that made the plan, by ``service:Operation``.
    """

    deployment_id: str
    source: str
    region: str
    account: str
    job_id: str
    image_sha256: str
    targets_sha256: str
    things: int
    setup: tuple[AnyStep, ...]
    rounds: tuple[tuple[AnyStep, ...], ...]
    clean_up: bool
    delay_seconds: float
    waves: tuple[PlannedWave, ...] = ()
    closing: tuple[AnyStep, ...] = ()
    open_days: int = 0
    abort_wait_seconds: float = 0.0
    image_version: str = ""
    rolls_back: bool = False
    rollback_of: str = ""
    verify: VerifyRule | None = None
    signature: str = ""
    preparation_calls: Mapping[str, int] = {}
    comparison: ComparisonPlan | None = None
    excepted: tuple[str, ...] = Field(default=(), exclude=True, repr=False)
    left_out: Mapping[str, int] = {}
    prefers_recent: bool = False
    choice: Choice | None = Field(default=None, exclude=True, repr=False)
    wave_things: tuple[tuple[str, ...], ...] = Field(default=(), exclude=True, repr=False)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step in the order in which it is begun."""
        return (*self.setup, *(step for steps in self.rounds for step in steps), *self.closing)

    @property
    def jobs(self) -> dict[int, CreateJob]:
        """The step that creates the job of each round or wave, by its number."""
        return {step.round: step for step in self.steps if isinstance(step, CreateJob)}

    @property
    def repeats(self) -> int:
        """How often each thing gets the image: once a round; waves are parts of one round."""
        return 1 if self.waves else len(self.rounds)

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids of its jobs: that of every round, or one a wave."""
        return tuple(wave.job_id for wave in self.waves) or (self.job_id,)

    @property
    def things_by_wave(self) -> dict[str, list[str]]:
        """The names of the things of each wave, in a plan that was just made."""
        names = (sorted(things) for things in self.wave_things)
        return dict(zip((wave.name for wave in self.waves), names, strict=True))

    @property
    def calls(self) -> dict[str, int]:
        """The API calls of the whole deployment if nothing fails, without polls of running jobs.

        Those that made the plan, those of the steps, and the check for leftovers at the end.
        """
        total = Counter(self.preparation_calls)
        for step in self.steps:
            total.update(step.calls)
            if self.clean_up:
                total.update(step.undo_calls)
            if step.resource is not None:
                total.update(step.check_calls)
                if not self.clean_up:
                    total.update(step.kept_check_calls)
        return dict(sorted((name, count) for name, count in total.items() if count))

    @property
    def fingerprint(self) -> str:
        """A digest of everything that matters.

        Without the deployment's id, the file's name and the signature, which differs each time and
        is verified. If recently connected things come first, also without which thing is in which
        wave: that may change within a minute.
        """
        left_out: dict[str, Any] = dict.fromkeys(_NOT_PROMISED, True)
        if self.prefers_recent:
            left_out["waves"] = {"__all__": {"things_sha256"}}
            left_out["rounds"] = {"__all__": {"__all__": {"targets"}}}
        text = self.model_dump_json(exclude=left_out)
        if self.signature:
            text = text.replace(self.signature, "")
        return hashlib.sha256(text.replace(self.deployment_id, "").encode()).hexdigest()

    def to_fields(self) -> json_deployment.PlanSteps:
        """The plan as ``otactl plan --output json`` shows it."""
        left_out = self.choice.left_out if self.choice else ()
        return shaped(
            json_deployment.PlanSteps,
            self,
            leftOut=[shaped(json_deployment.LeftOut, one) for one in left_out],
        )
