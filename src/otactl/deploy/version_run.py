"""What the steps of verification do (``deploy.step.version``): note what was, wait for verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from otactl.deploy.journal import Journal
from otactl.deploy.ports import Services
from otactl.deploy.step import CreateJob, StepContext
from otactl.deploy.wave_run import WaitOptions
from otactl.deploy.wave_verify import VersionVerifier
from otactl.errors import GateWaits
from otactl.model.arn import Arn
from otactl.model.verify import counts_words
from otactl.model.wave import Verdict
from otactl.rules.waves.counting import count_wave


class VersionRun:
    """The verification of one deployment, as one process carries it out.

    Args:
        journal: An open journal.
        services: The world.
        verifier: Reads and judges.
        options: How long this process waits.
    """

    def __init__(
        self, journal: Journal, services: Services, verifier: VersionVerifier, options: WaitOptions
    ) -> None:
        self._plan = journal.plan
        self._journal = journal
        self._services = services
        self._verifier = verifier
        self._options = options
        self._jobs = {step.round: step for step in self._plan.steps if isinstance(step, CreateJob)}

    def note(self, context: StepContext, number: int) -> None:
        """Write down what the things of a wave or a round report before it begins."""
        self._verifier.on_progress = context.on_progress
        names = self._journal.wave_things(number) if self._plan.waves else self._listed(context)
        self._verifier.note(number, names)

    def _listed(self, context: StepContext) -> Iterator[str]:
        """The things of the list, and those that its groups have now."""
        yield from (Arn.parse(text).resource_name for text in context.targets())
        (job, *_) = self._jobs.values()
        for arn in map(Arn.parse, job.targets):
            if arn.resource_type == "thinggroup" and arn.resource_name != job.own_group:
                yield from self._services.registry.things_in_group(arn.resource_name)

    def finish(self, context: StepContext) -> None:
        """Wait for the verdicts that are missing; then read those that are bad once more."""
        self._verifier.on_progress = context.on_progress
        numbers = [result.round for result in self._journal.rounds]
        for number in numbers:
            self._verifier.enter_ends(number, self._ends(number))
        is_notified = False
        while True:
            for number in numbers:
                # Its answer tells AWS's time.
                self._services.jobs.describe(self._jobs[number].job_id)
                self._verifier.poll(number)
            pending = sum(len(self._verifier.open_things(number)) for number in numbers)
            if not pending or self._rolls_back():
                break
            if not is_notified:
                is_notified = True
                context.on_note(f"waiting for the version that {pending:,} things report")
            self._wait(context, pending)
        for number in numbers:
            self._verifier.read_again(number)
            counts = self._verifier.count(number).by_verdict
            wave = f"wave {self._plan.waves[number - 1].name}: " if self._plan.waves else ""
            context.on_note(f"{wave}versions: {counts_words(counts) or 'no thing ended'}")

    def _rolls_back(self) -> bool:
        """Whether a rollback follows, which takes things back whether they reported or not."""
        failed = any(status.verdict is Verdict.FAIL for status in self._journal.gates)
        return self._plan.rolls_back and failed

    def _ends(self, number: int) -> Mapping[str, tuple[int, bool]]:
        """When the last execution of each thing ended, and whether it succeeded."""
        executions = list(self._journal.executions(number))
        things = {one.thing_name for one in executions}
        return count_wave(things, executions, is_over=True).ended_things

    def _wait(self, context: StepContext, pending: int) -> None:
        limit = self._options.max_wait_seconds
        is_late = limit is not None and context.waited_ms() >= limit * 1000
        if self._options.leaves or is_late:
            raise GateWaits(
                f"{pending:,} things have not reported their version yet",
                hint=f"`otactl resume {self._plan.deployment_id}` goes on",
            )
        self._services.clock.sleep(self._services.poll_seconds)
