"""Polls everything that a gate needs, and judges it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from otactl.deploy.decision_file import Decisions
from otactl.deploy.ending import failure_of
from otactl.deploy.journal import Journal
from otactl.deploy.plan import Plan
from otactl.deploy.ports import Services
from otactl.deploy.step import CreateJob, PutAlarm
from otactl.deploy.wave_comparison import WaveComparer
from otactl.deploy.wave_filling import GroupFilling
from otactl.deploy.wave_poll import WavePoll, WavePoller
from otactl.deploy.wave_verify import VersionVerifier
from otactl.model.progress import AlarmState
from otactl.model.wave import GateStatus, Question, Verdict
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.counting import WaveCount, slack_of
from otactl.rules.waves.gate import (
    EarlierWave,
    GateAlarm,
    GateInput,
    failed_since,
    judge,
    steady_since_ms,
)


@dataclass(frozen=True, kw_only=True)
class GateJudge:
    """Judges the gates of one deployment.

    Attributes:
        on_poll: Called with each poll of a job: the wave's number and the result.
    """

    journal: Journal
    services: Services
    verifier: VersionVerifier
    filling: GroupFilling
    comparer: WaveComparer
    decisions: Decisions
    on_poll: Callable[[int, WavePoll], None]

    @cached_property
    def _poller(self) -> WavePoller:
        return WavePoller(self.journal, self.services)

    @cached_property
    def _jobs(self) -> Mapping[int, CreateJob]:
        return self._plan.jobs

    @property
    def _plan(self) -> Plan:
        return self.journal.plan

    def now_ms(self) -> int:
        """AWS's clock at its last answer, never backwards; the local one before the first."""
        return self.journal.aws_time_ms(self.services.now_ms())

    def begin(self, number: int) -> None:
        """Record when a wave begins: before its job, so that no alarm is missed."""
        self.journal.instant(_begun(number), self.now_ms())

    def poll(self, number: int) -> GateStatus:
        """Poll everything, and judge."""
        polls = {each: self._poll(each, is_asked=each == number) for each in range(1, number + 1)}
        versions = {each: self._versions(each, poll.count) for each, poll in polls.items()}
        wave = self._plan.waves[number - 1]
        endings = {each: poll for each, poll in polls.items() if poll.ending is not None}
        is_last = number == len(self._plan.waves)
        count, now_ms = polls[number].count, self.now_ms()
        since_ms = None if polls[number].refused else steady_since_ms(wave.rule, count)
        inputs = GateInput(
            wave=wave.name,
            count=count,
            now_ms=now_ms,
            comparison=self.comparer.poll(number, wave.rule, since_ms=since_ms, now_ms=now_ms),
            alarms=tuple(self._alarms(number)),
            decisions=self.decisions.read(),
            earlier=tuple(
                EarlierWave(
                    name=self._plan.waves[each - 1].name,
                    count=polls[each].count,
                    rule=self._plan.waves[each - 1].rule,
                    versions=versions[each],
                )
                for each in range(1, number)
            ),
            stopped=self._ending_words(endings),
            refused=polls[number].refused,
            held_by="" if is_last else self.filling.missing(number + 1),
            is_last=is_last,
            versions=versions[number],
        )
        result = judge(wave.rule, inputs)
        late = failed_since(inputs) if result.question is Question.STRAGGLERS else ()
        is_stopped = result.verdict is Verdict.FAIL and not result.is_rejected and endings
        return GateStatus(
            wave=number,
            name=wave.name,
            verdict=result.verdict,
            reasons=result.reasons,
            at_ms=inputs.now_ms,
            things=wave.things,
            question=result.question,
            soak_left_ms=result.soak_left_ms,
            until_ms=result.until_ms,
            ended=inputs.count.ended,
            succeeded=inputs.count.succeeded,
            failed=inputs.count.failed,
            not_reached=inputs.count.not_reached,
            failed_since={one.name: one.failed for one in late},
            ending=str(next(iter(endings.values())).ending) if is_stopped else "",
            is_rejected=result.is_rejected,
            comparison=inputs.comparison,
            versions={} if inputs.versions is None else inputs.versions.by_verdict,
            unverified=self.verifier.unverified(number),
        )

    def poll_continuous(self) -> None:
        """Poll the CONTINUOUS jobs that were created, so that settled ones are closed."""
        for number, step in self._jobs.items():
            if step.is_continuous and self.journal.record(step.key) is not None:
                self._poll(number, is_asked=False)

    def _poll(self, number: int, *, is_asked: bool) -> WavePoll:
        found = self._poller.poll(number, self._jobs[number], is_asked=is_asked)
        self.on_poll(number, found)
        return found

    def _versions(self, number: int, count: WaveCount) -> VersionCount | None:
        if not self.verifier.is_on:
            return None
        self.verifier.enter_ends(number, count.ended_things)
        return self.verifier.poll(number, slack=slack_of(self._plan.waves[number - 1].rule, count))

    def _ending_words(self, endings: Mapping[int, WavePoll]) -> str:
        words = []
        for number, poll in endings.items():
            comment = poll.job.comment if poll.job else ""
            job_id = self._jobs[number].job_id
            failure = poll.ending and failure_of(poll.ending, job_id, comment=comment)
            words.append(str(failure))
        return "; ".join(words)

    def _alarms(self, number: int) -> Iterator[GateAlarm]:
        """The alarms of the waves so far, each since its wave began, and those the gate names."""
        since = {name: _begun(number) for name in self._plan.waves[number - 1].rule.alarms}
        own = {
            step.name: _begun(each)
            for each, steps in enumerate(self._plan.rounds[:number], start=1)
            for step in steps
            if isinstance(step, PutAlarm)
        }
        names = (*own, *(name for name in since if name not in own))
        for alarm in self.services.alarms.states(names) if names else ():
            began_ms = self.journal.find_instant((own | since)[alarm.name]) or 0
            changed = alarm.since_ms is None or alarm.since_ms >= began_ms
            yield GateAlarm(
                name=alarm.name,
                state=alarm.state,
                is_own=alarm.name in own,
                since_wave=alarm.state not in (AlarmState.ALARM, AlarmState.MISSING)
                and changed
                and self.services.alarms.went_off(alarm.name, began_ms),
            )


def _begun(number: int) -> str:
    return f"wave-{number}/begun"
