"""Reads what things report and judges it, a wave or a round at a time.

The index selects, the source decides. Waves of up to 100 things are read one by one. For larger
ones the fleet index is searched by the wave's group, and a bad verdict of the index counts only if
the source confirms it: as many as a gate needs to fail, and every one when ``verifyMinutes`` are
over for all things that ended. Things found bad before then are read again at that time. If the
index lacks what is needed, things are read one by one, with progress.

Everything that a verdict needs is in the journal before it counts, so a killed process loses at
most a page of reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from otactl.deploy.decision_file import Decisions
from otactl.deploy.journal import Journal
from otactl.deploy.outcome_collector import kept_by_page
from otactl.deploy.ports import Services
from otactl.deploy.step import NoteVersions, StepContext
from otactl.deploy.step_run import WaitOptions
from otactl.errors import GateWaits
from otactl.model.arn import Arn
from otactl.model.fleet_query import in_group
from otactl.model.rollback import REJECTION
from otactl.model.thing_state import ThingState
from otactl.model.verify import (
    BAD_VERDICTS,
    ThingVersion,
    VerifyRule,
    VersionPoll,
    VersionVerdict,
    counts_words,
)
from otactl.model.wave import Act, Verdict
from otactl.rules.verify.verdict import (
    VersionCount,
    count_versions,
    due_ms,
    is_gone,
    judge_version,
    next_poll_ms,
    runs_expected,
)
from otactl.rules.waves.counting import count_wave

#: Things that are read, judged and recorded at once.
_PART = 100
#: The least time from one search of a group to the next, in multiples of what the last one took.
_SEARCH_INTERVAL = 10
#: The most things that a gate names.
_NAMED = 10
_NAMED_VERDICTS = frozenset(VersionVerdict) - {VersionVerdict.VERIFIED, VersionVerdict.PENDING}
#: A thing that could not be read is read again after this time.
_UNREADABLE_MS = 60_000
#: Verdicts that only the source can give.
_CONFIRMED_BY_SOURCE = BAD_VERDICTS | {VersionVerdict.FAILED_BUT_NEW}


class VersionVerifier:
    """Verifies the versions of one deployment's things."""

    def __init__(
        self, journal: Journal, services: Services, options: WaitOptions, decisions: Decisions
    ) -> None:
        self._plan = plan = journal.plan
        self._journal = journal
        self._services = services
        self._options = options
        self._decisions = decisions
        self._groups = {
            step.round: step.groups for step in plan.steps if isinstance(step, NoteVersions)
        }
        self._jobs = plan.jobs
        self._rule = plan.verify
        self._known: dict[int, dict[str, ThingVersion]] = {}
        self._search_at_ms: dict[int, float] = {}
        #: Called with the progress of a long reading: done, of how many.
        self.on_progress: Callable[[int, int], None] = lambda _done, _of: None

    @property
    def rule(self) -> VerifyRule:
        """How versions are verified."""
        if self._rule is None:
            raise LookupError("this deployment has no verification")
        return self._rule

    @property
    def is_on(self) -> bool:
        """Whether anything is verified."""
        return self._rule is not None

    def _now_ms(self) -> int:
        return self._journal.aws_time_ms(self._services.now_ms())

    def things(self, number: int) -> dict[str, ThingVersion]:
        """What is known of the things of a wave or a round, by name."""
        if number not in self._known:
            self._known[number] = self._journal.versions(number)
        return self._known[number]

    def note(self, context: StepContext, number: int) -> None:
        """Record what the things of a wave or a round report before it begins."""
        self.on_progress = context.on_progress
        names = self._journal.wave_things(number) if self._plan.waves else self._listed(context)
        self._note(number, names)

    def _listed(self, context: StepContext) -> Iterator[str]:
        """The things of the list, and those that its groups have now."""
        yield from (Arn.parse(text).resource_name for text in context.targets())
        (job, *_) = self._jobs.values()
        for arn in map(Arn.parse, job.targets):
            if arn.resource_type == "thinggroup" and arn.resource_name != job.own_group:
                yield from self._services.registry.things_in_group(arn.resource_name)

    def _note(self, number: int, names: Iterable[str]) -> None:
        left = [name for name in dict.fromkeys(names) if name not in self.things(number)]
        former = self._journal.former(left)
        if len(former) == len(left) and not self.rule.source.boot_count_path:
            self._enter(
                number, (ThingVersion(thing_name=name, former=former[name]) for name in left)
            )
            return
        for part in self._states(number, left, connectivity=False):
            self._enter(number, (self._noted(state) for state in part))
            readable = {one.thing_name: one.version for one in part if not one.unreadable}
            self._journal.enter_former(readable)

    def _noted(self, state: ThingState) -> ThingVersion:
        # For a thing that could not be read, only a report after its update counts.
        former = self.rule.expected_version if state.unreadable else state.version
        return ThingVersion(thing_name=state.thing_name, former=former, boots_before=state.boots)

    def enter_ends(self, number: int, ends: Mapping[str, tuple[int, bool]]) -> None:
        """Record which executions ended, when, and whether they succeeded."""
        known, changed = self.things(number), []
        for name, (at_ms, succeeded) in ends.items():
            thing = known.get(name)
            if thing is None:
                thing = ThingVersion(thing_name=name, former=self.rule.expected_version)
            elif (thing.ended_ms, thing.succeeded) == (at_ms, succeeded):
                continue
            thing = replace(
                thing,
                ended_ms=at_ms,
                succeeded=succeeded,
                last=None,
                first_gone=None,
                is_confirmed=False,
            )
            changed.append(replace(thing, verdict=judge_version(self.rule, thing)))
        self._enter(number, changed)

    def poll(self, number: int, *, slack: int | None = None) -> VersionCount:
        """Read and judge what is due.

        ``slack`` is how many bad things the gate allows; None for any number.
        """
        now_ms = self._now_ms()
        due = [name for name, one in self.things(number).items() if self._is_due(one, now_ms)]
        if due and self._is_searched(number):
            self._search(number, due)
            self._confirm(number, slack)
        elif due:
            self._read(number, due)
        if not self.open_things(number):
            self._read_again(number, f"versions-over/{number}")
        return self.count(number)

    def count(self, number: int) -> VersionCount:
        """The things of a wave or a round by their last verdict."""
        return count_versions(one for one in self.things(number).values() if one.ended_ms)

    def unverified(self, number: int) -> dict[str, VersionVerdict]:
        """The first things, by name, that are bad or unreadable by the source."""
        known = self.things(number) if self.is_on else {}
        found: dict[str, VersionVerdict] = {}
        for name, one in sorted(known.items()):
            if one.verdict in _NAMED_VERDICTS and one.is_confirmed and len(found) < _NAMED:
                found[name] = one.verdict
        return found

    def read_again(self, number: int) -> None:
        """Read bad and unreadable things again: a late report changes the result."""
        late = [
            name
            for name, one in self.things(number).items()
            if one.verdict in BAD_VERDICTS or one.verdict is VersionVerdict.UNKNOWN
        ]
        self._read(number, late)

    def open_things(self, number: int) -> list[str]:
        """Things that ended and have no final verdict."""
        return [
            name
            for name, one in self.things(number).items()
            if one.ended_ms
            and (
                one.verdict is VersionVerdict.PENDING
                or (one.verdict in _CONFIRMED_BY_SOURCE and not one.is_confirmed)
                or (not one.succeeded and one.last is None)
            )
        ]

    def finish(self, context: StepContext) -> None:
        """Wait for missing verdicts; then read the things with bad ones again."""
        self.on_progress = context.on_progress
        numbers = [result.round for result in self._journal.rounds]
        for number in numbers:
            self.enter_ends(number, self._ends(context, number))
        is_notified = False
        while True:
            for number in numbers:
                # Its answer has AWS's time.
                self._services.jobs.describe(self._jobs[number].job_id)
                self.poll(number)
            pending = sum(len(self.open_things(number)) for number in numbers)
            if not pending or self._rolls_back():
                break
            if not is_notified:
                is_notified = True
                context.on_note(f"waiting for the version that {pending:,} things report")
            self._wait(context, pending)
        for number in numbers:
            self.read_again(number)
            counts = self.count(number).by_verdict
            wave = f"wave {self._plan.waves[number - 1].name}: " if self._plan.waves else ""
            context.on_note(f"{wave}versions: {counts_words(counts) or 'no thing ended'}")

    def _rolls_back(self) -> bool:
        """Whether a rollback follows, which includes things that have not reported."""
        failed = any(status.verdict is Verdict.FAIL for status in self._journal.gates)
        return (self._plan.rolls_back and failed) or any(
            one.act is Act.REJECT and one.comment == REJECTION for one in self._decisions.read()
        )

    def _ends(self, context: StepContext, number: int) -> Mapping[str, tuple[int, bool]]:
        """When the last execution of each thing ended, and whether it succeeded."""
        executions, jobs = list(self._journal.executions(number)), self._services.jobs
        job_id = self._jobs[number].job_id
        if not executions and jobs.describe(job_id) is not None:
            # The wave ended on another machine, whose journal has them.
            keep = partial(context.on_executions, number)
            executions = list(kept_by_page(jobs.executions(job_id), keep))
        things = {one.thing_name for one in executions}
        if self._plan.waves:
            things.intersection_update(self._journal.wave_things(number))
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

    def _read_again(self, number: int, instant: str) -> None:
        """Read bad things again, once, when the time of all ended things is over."""
        if self._journal.find_instant(instant) is None and self.count(number).by_verdict:
            now_ms = self._now_ms()
            early = [
                name
                for name, one in self.things(number).items()
                if one.verdict in BAD_VERDICTS and one.last and one.last.at_ms < now_ms
            ]
            self._read(number, early)
            self._journal.instant(instant, now_ms)

    def _is_due(self, thing: ThingVersion, now_ms: int) -> bool:
        """Whether reading it now can change its verdict."""
        if not thing.ended_ms or now_ms < next_poll_ms(self.rule, thing):
            return False
        last = thing.last
        if last is None or last.at_ms < due_ms(self.rule, thing):
            return True
        if thing.verdict is VersionVerdict.UNKNOWN:
            return now_ms >= last.at_ms + _UNREADABLE_MS
        is_open = thing.verdict is VersionVerdict.PENDING
        return is_open or (thing.verdict in _CONFIRMED_BY_SOURCE and not thing.is_confirmed)

    def _is_searched(self, number: int) -> bool:
        """Whether the index can be searched for a wave's things."""
        groups = self._groups.get(number)
        return bool(groups) and not self._services.thing_states.index_gap(self.rule.source)

    def _search(self, number: int, due: Sequence[str]) -> None:
        clock, wanted = self._services.clock, set(due)
        started_ms = clock.monotonic_ms()
        if started_ms < self._search_at_ms.get(number, 0):
            return
        found = (state for state in self._found(number) if state.thing_name in wanted)
        while part := list(islice(found, _PART)):
            self._judge(number, part, is_confirmed=False)
            wanted.difference_update(state.thing_name for state in part)
            clock.check()
        took_ms = clock.monotonic_ms() - started_ms
        self._search_at_ms[number] = clock.monotonic_ms() + _SEARCH_INTERVAL * took_ms

    def _found(self, number: int) -> Iterator[ThingState]:
        """What the index has of the groups of a wave, without unreadable things."""
        for group in self._groups[number]:
            for state in self._services.thing_states.search(in_group(group), self.rule.source):
                if not state.unreadable:
                    yield state

    def _confirm(self, number: int, slack: int | None) -> None:
        """Read at the source what the index finds bad, or does not find."""
        now_ms = self._now_ms()
        things = self.things(number).values()
        wanted = sorted(one.thing_name for one in things if self._is_due(one, now_ms))
        if not any(one.ended_ms and now_ms < next_poll_ms(self.rule, one) for one in things):
            self._read(number, wanted)
            return
        while slack is not None and wanted:
            bad = self.count(number).bad
            if bad > slack or bad + len(wanted) <= slack:
                return
            part, wanted = wanted[: slack + 1 - bad], wanted[slack + 1 - bad :]
            self._read(number, part)

    def _read(self, number: int, names: Sequence[str]) -> None:
        """Read things at the source, and judge them."""
        for part in self._read_singly(names, connectivity=True):
            self._judge(number, part, is_confirmed=True)

    def _states(
        self, number: int, names: Sequence[str], *, connectivity: bool
    ) -> Iterator[list[ThingState]]:
        """What things report, in parts: by the index if it has them, else one by one."""
        left = dict.fromkeys(names)
        if left and self._is_searched(number):
            found = (state for state in self._found(number) if state.thing_name in left)
            while part := list(islice(found, _PART)):
                yield part
                for state in part:
                    left.pop(state.thing_name, None)
        yield from self._read_singly(list(left), connectivity=connectivity)

    def _read_singly(
        self, names: Sequence[str], *, connectivity: bool
    ) -> Iterator[list[ThingState]]:
        read = self._services.thing_states.read(names, self.rule.source, connectivity=connectivity)
        done = 0
        while names and (part := list(islice(read, _PART))):
            yield part
            done += len(part)
            if len(names) > _PART:
                self.on_progress(done, len(names))
            self._services.clock.check()

    def _judge(self, number: int, states: Sequence[ThingState], *, is_confirmed: bool) -> None:
        now_ms = self._now_ms()
        known = self.things(number)
        self._enter(
            number,
            (
                self._seen(known[state.thing_name], VersionPoll(now_ms, state), is_confirmed)
                for state in states
            ),
        )

    def _seen(self, thing: ThingVersion, poll: VersionPoll, is_confirmed: bool) -> ThingVersion:  # noqa: FBT001
        """A thing after one more poll of it."""
        state = poll.state
        goes = is_gone(state) and runs_expected(self.rule, thing, state)
        seen = replace(
            thing,
            boots_before=state.boots if thing.boots_before is None else thing.boots_before,
            last=poll,
            first_gone=(thing.first_gone or poll) if goes else None,
            is_confirmed=is_confirmed,
        )
        verdict = judge_version(self.rule, seen)
        if thing.verdict is VersionVerdict.FLAPPING and verdict is VersionVerdict.PENDING:
            return thing  # it was polled between two boots, and another poll may not follow
        return replace(seen, verdict=verdict)

    def _enter(self, number: int, things: Iterable[ThingVersion]) -> None:
        entered = list(things)
        if entered:
            self._journal.enter_versions(number, entered)
            self.things(number).update((one.thing_name, one) for one in entered)
