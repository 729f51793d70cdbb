"""Which things get an image, and which come first: decided once, at the plan, by their reports.

The version that each thing runs before is kept, for verification and rollback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from otactl.deploy.ports import Services
from otactl.deploy.state_reading import Reading, plan_reading, read_states
from otactl.errors import UserMistake
from otactl.model.arn import Arn, thing_arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.eligibility import LeftOut, LeftOutReason, UnknownVersion
from otactl.model.identifier import is_thing_name
from otactl.model.quoting import first_names
from otactl.model.thing_list import ThingList
from otactl.model.thing_state import ThingState
from otactl.rules.eligibility import why_left_out
from otactl.rules.waves.membership import is_recent

#: The most things that are read one by one if maximumReads is not set.
_MAX_READS = 10_000
_NAMED = 5
_PREFERS = "preferRecent in [WAVE_CONFIG]"
_CHANGE_INDEX = "`aws iot update-indexing-configuration` changes it, otactl never does"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which things get the image, and what is known of each.

    Attributes:
        thing_list: The things that get it.
        left_out: The things that do not, by name.
        former: The version that each thing that gets it reported; None for no version.
        recent: Recently connected things, if these are preferred.
    """

    thing_list: ThingList
    left_out: tuple[LeftOut, ...] = ()
    former: Mapping[str, str | None] = field(default_factory=dict)
    recent: frozenset[str] = frozenset()

    @property
    def counts(self) -> dict[str, int]:
        """How many are left out, by reason."""
        return dict(sorted(Counter(one.reason.value for one in self.left_out).items()))


def choose_things(
    configuration: DeploymentConfiguration,
    thing_list: ThingList,
    services: Services,
    notify: Callable[[str], None],
    *,
    excepted: frozenset[str] = frozenset(),
) -> Choice:
    """Read what things report, if the file needs it, and leave out the things it excludes.

    Excepted things get no image anyway, and are not read.

    Raises:
        UserMistake: The account's index lacks what is needed, or no thing is left.
        AwsRefused: A group does not exist.
    """
    source, eligibility = configuration.version_source, configuration.eligibility
    prefers_recent = configuration.waves is not None and configuration.waves.prefers_recent
    if source is None and not prefers_recent:
        return Choice(thing_list=thing_list)
    listed = {
        name: arn
        for arn in thing_list.things
        if (name := Arn.parse(arn).resource_name) not in excepted
    }
    groups = {
        group: [one for one in services.registry.things_in_group(group) if one not in excepted]
        for group in (Arn.parse(arn).resource_name for arn in thing_list.groups)
    }
    names = dict.fromkeys(chain(listed, *groups.values()))
    limit = _MAX_READS if eligibility is None else eligibility.maximum_reads
    plan = partial(
        plan_reading,
        groups,
        listed,
        states=services.thing_states,
        limit=limit,
    )
    asks_days = eligibility is not None and eligibility.rule.offline_ms is not None
    reading = plan(source, connectivity=asks_days or prefers_recent)
    if eligibility is None and source is not None and reading.single_things > limit:
        notify(
            f"the former versions of {reading.things:,} things are not read: it would take"
            f" {reading.single_things:,} calls one by one; {reading.gap}"
        )
        if not prefers_recent:
            return Choice(thing_list=thing_list)
        reading = plan(None, connectivity=True)
    if eligibility is not None or prefers_recent:
        _refuse_unanswerable(configuration, reading, asks_days=asks_days)
    states = read_states(reading, services.thing_states, notify)
    _report_unreadable(states, notify)
    recent = _recent(states, services.now_ms(), notify) if prefers_recent else frozenset[str]()
    if eligibility is None:
        knows = reading.source is not None
        former = {n: one.version for n, one in states.items()} if knows else {}
        return Choice(thing_list=thing_list, former=former, recent=recent)
    left_out = _left_out(configuration, states, services.now_ms())
    left = names.keys() - {one.thing_name for one in left_out}
    if not left:
        raise _none_left(configuration.file_name, left_out)
    former = {name: states[name].version for name in names if name in left}
    return Choice(
        thing_list=_narrowed(configuration, thing_list, listed, former),
        left_out=left_out,
        former=former,
        recent=recent,
    )


def choose_again(
    configuration: DeploymentConfiguration,
    thing_list: ThingList,
    former: Mapping[str, str | None],
    left_out: tuple[LeftOut, ...],
    *,
    excepted: frozenset[str] = frozenset(),
) -> Choice:
    """The choice that another process made at the plan; its stored form is not trusted.

    No thing is read again. The members of groups may have changed since, so only the stored form
    says which unlisted things there are.

    Raises:
        UserMistake: It is not a choice among these things.
    """
    if configuration.eligibility is None:
        return Choice(thing_list=thing_list, former=former)
    listed = {Arn.parse(arn).resource_name: arn for arn in thing_list.things}
    names, out = former.keys(), {one.thing_name for one in left_out}
    wanted, found = listed.keys() - excepted, names | out
    is_choice = (
        bool(names)
        and names.isdisjoint(out)
        and found.isdisjoint(excepted)
        and (wanted <= found if thing_list.groups else wanted == found)
        and all(is_thing_name(name) for name in found - wanted)
    )
    if not is_choice:
        raise UserMistake(
            f"the kept choice of things is not one among those of {thing_list.file_name}",
            hint="what a worker stored for the request was changed; add the request again",
        )
    return Choice(
        thing_list=_narrowed(configuration, thing_list, listed, names),
        left_out=left_out,
        former=former,
    )


def _narrowed(
    configuration: DeploymentConfiguration,
    thing_list: ThingList,
    listed: Mapping[str, str],
    names: Iterable[str],
) -> ThingList:
    """The list of the things that get the image, without groups."""
    account, region = configuration.account, configuration.region
    kept = tuple(listed.get(name) or str(thing_arn(region, account, name)) for name in names)
    return replace(thing_list, things=kept, groups=())


def _recent(
    states: Mapping[str, ThingState], now_ms: int, notify: Callable[[str], None]
) -> frozenset[str]:
    """The recently connected things; notifies their number, and for how many it is unknown."""
    seen = {name: is_recent(state, now_ms) for name, state in states.items()}
    recent = frozenset(name for name, found in seen.items() if found)
    unknown = sum(found is None for found in seen.values())
    notify(
        f"{len(recent):,} of {len(seen):,} things are connected, or were within a day, and are"
        " taken first (preferRecent)"
        + (f"; for {unknown:,} this is unknown: they come last" if unknown else "")
    )
    return recent


def _report_unreadable(states: Mapping[str, ThingState], notify: Callable[[str], None]) -> None:
    """Report why things cannot be read: such a thing counts as one without a version."""
    unreadable = sorted(name for name, state in states.items() if state.unreadable)
    if unreadable:
        notify(
            f"{len(unreadable):,} of {len(states):,} things cannot be read, so their version is"
            f" not known: {first_names(unreadable, _NAMED)}; of {unreadable[0]}:"
            f" {states[unreadable[0]].unreadable}"
        )


def _left_out(
    configuration: DeploymentConfiguration, states: Mapping[str, ThingState], now_ms: int
) -> tuple[LeftOut, ...]:
    eligibility = configuration.eligibility
    if eligibility is None:
        return ()
    found = tuple(
        left
        for name in sorted(states)
        if (
            left := why_left_out(
                states[name],
                eligibility.rule,
                new_version=configuration.expected_version,
                now_ms=now_ms,
            )
        )
    )
    unknown = [one.thing_name for one in found if one.reason is LeftOutReason.UNKNOWN_VERSION]
    if unknown and eligibility.rule.unknown_version is UnknownVersion.REFUSE:
        raise UserMistake(
            f"{configuration.file_name}: {len(unknown):,} things report no version:"
            f" {first_names(unknown, _NAMED)} (unknownVersion = refuse)",
            hint="make them report it, or write unknownVersion = skip or include",
        )
    return found


def _refuse_unanswerable(
    configuration: DeploymentConfiguration, reading: Reading, *, asks_days: bool
) -> None:
    file_name = configuration.file_name
    if reading.lacks_connectivity:
        key = "offlineDays in [ELIGIBILITY_CONFIG]" if asks_days else _PREFERS
        raise UserMistake(
            f"{file_name}: {key} needs to know which things are connected, and {reading.gap}",
            hint=_CHANGE_INDEX + ("" if asks_days else "; or write preferRecent = False"),
        )
    if reading.single_things > reading.limit:
        by_key = configuration.eligibility is not None
        who = f"maximumReads in [ELIGIBILITY_CONFIG] is {reading.limit:,}"
        if not by_key:
            who = f"{_PREFERS} reads {reading.limit:,} so at most"
        raise UserMistake(
            f"{file_name}: {reading.single_things:,} things would have to be read one by one,"
            f" {who}{f', and {reading.gap}' if reading.gap else ''}",
            hint=_CHANGE_INDEX
            + ("; or allow more reads" if by_key else "; or write preferRecent = False"),
        )


def _none_left(file_name: str, left_out: tuple[LeftOut, ...]) -> UserMistake:
    counts = Counter(one.reason.value for one in left_out)
    why = ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())
    first = first_names((f"{one.thing_name} {one.words}" for one in left_out), _NAMED)
    return UserMistake(
        f"{file_name}: [ELIGIBILITY_CONFIG] leaves out every thing: {why}",
        hint=f"the first: {first}",
    )
