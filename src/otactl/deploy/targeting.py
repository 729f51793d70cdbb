"""What a deployment is for: the targets of its job, or the things of each of its waves.

A job takes at most 100 targets (AWS IoT limits, aws-facts A1). More things are gathered in the
deployment's own thing group. Thing groups stay separate targets, so that a CONTINUOUS job reaches
things that join them. For waves groups are expanded once, things are divided once, and empty waves
are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from otactl.deploy.ports import Alarms, Registry, ThingStates
from otactl.errors import UserMistake
from otactl.model.arn import Arn
from otactl.model.comparison import ComparedOutcome, ComparisonPlan
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.identifier import is_thing_name
from otactl.model.progress import AlarmState
from otactl.model.status import TargetSelection
from otactl.model.thing_list import ThingList
from otactl.model.wave import REST, Wave, Waves, WaveSize
from otactl.rules.comparison.arms import ArmSizes
from otactl.rules.comparison.compare import compared_outcomes
from otactl.rules.waves.membership import divide

MAX_JOB_TARGETS = 100

#: Bytes of a thing name's digest that represent it while groups are counted: among a million names,
#: two share eight bytes with a probability below one in ten million.
_DIGEST_BYTES = 8

#: The waves and the names of the things of each.
Dealt = tuple[tuple[Wave, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Targeting:
    """The targets of the job.

    Attributes:
        arns: The targets of the list that the job names itself.
        gathered: How many things go into the deployment's own group; 0 if it has none.
        things: How many different things these are, groups expanded (the manual's deviceCount).
    """

    arns: tuple[str, ...]
    gathered: int
    things: int

    @classmethod
    def of(cls, thing_list: ThingList, in_groups: int) -> Targeting:
        """The targets of a list; ``in_groups`` is its number of things if it has groups."""
        listed, groups = thing_list.things, thing_list.groups
        is_gathered = gathers(thing_list)
        return cls(
            arns=groups if is_gathered else (*listed, *groups),
            gathered=len(listed) if is_gathered else 0,
            things=in_groups if groups else len(listed),
        )


def gathers(thing_list: ThingList) -> bool:
    """Whether the list is longer than a job may name."""
    return len(thing_list.things) + len(thing_list.groups) > MAX_JOB_TARGETS


def choose_targets(
    thing_list: ThingList, registry: Registry, target_selection: TargetSelection
) -> Targeting:
    """Decide on the job's targets and count their things.

    Raises:
        UserMistake: There are too many groups, or one that a SNAPSHOT job would find empty.
    """
    things, groups = thing_list.things, thing_list.groups
    if len(groups) + (1 if gathers(thing_list) and things else 0) > MAX_JOB_TARGETS:
        raise UserMistake(
            f"{thing_list.file_name} names {len(groups)} thing groups;"
            f" a job takes {MAX_JOB_TARGETS} targets",
            hint="put the groups into a parent group, or deploy to them in several jobs",
        )
    seen = {_digest(Arn.parse(arn).resource_name) for arn in things} if groups else set()
    for group in groups:
        members = 0
        for thing_name in registry.things_in_group(Arn.parse(group).resource_name):
            seen.add(_digest(thing_name))
            members += 1
        # A CONTINUOUS job waits for things that join (aws-facts A3, A8).
        if members == 0 and target_selection is TargetSelection.SNAPSHOT:
            raise UserMistake(
                f"thing group {group} in {thing_list.file_name} is empty",
                hint="a job for no things is COMPLETED at once and updates nothing",
            )
    return Targeting.of(thing_list, len(seen))


def _digest(thing_name: str) -> bytes:
    return hashlib.blake2b(thing_name.encode(), digest_size=_DIGEST_BYTES).digest()


def names_digest(names: Iterable[str]) -> str:
    """A digest of things or targets in their order, so that two plans can be compared."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\n")
    return digest.hexdigest()


def deal_waves(
    waves: Waves,
    thing_list: ThingList,
    registry: Registry,
    *,
    excepted: Collection[str],
    image_sha256: str,
    recent: Collection[str] = (),
) -> Dealt:
    """The waves and the names of their things, in order of the hash; an empty rest is left out.

    The digest of the image is the seed if the configuration has none; recently connected things
    come first if the configuration prefers them.

    Raises:
        UserMistake: No things are left for a wave.
    """
    names = {Arn.parse(arn).resource_name for arn in thing_list.things}
    for group in thing_list.groups:
        names.update(registry.things_in_group(Arn.parse(group).resource_name))
    names.difference_update(excepted)
    members = {
        group: frozenset(registry.things_in_group(Arn.parse(group).resource_name))
        for group in {arn for wave in waves.waves for arn in wave.size.groups}
    }
    sizes = [wave.size for wave in waves.waves]
    preferred = recent if waves.prefers_recent else ()
    seed = waves.seed or image_sha256
    dealt = divide(names, sizes, seed=seed, members=members, preferred=preferred)
    for wave, things in zip(waves.waves, dealt, strict=True):
        if not things and (wave.name != REST or not names):
            raise UserMistake(
                f"wave {wave.name} ({wave.size}) has no things: {thing_list.file_name} names"
                f" {len(names):,}, and the waves before it take them or its groups have none",
                hint="change waveList in [WAVE_CONFIG], or the thing list",
            )
    return tuple((wave, found) for wave, found in zip(waves.waves, dealt, strict=True) if found)


def deal_again(
    waves: Waves,
    thing_list: ThingList,
    kept: Mapping[str, Sequence[str]],
    *,
    excepted: Collection[str],
    image_sha256: str,
    recent: Collection[str] = (),
) -> Dealt:
    """The waves as an earlier process divided them; their stored form is not trusted.

    Divided again they must be the same. Groups are not listed again, as their members may have
    changed: only the stored form says which unlisted things there are, and which things are in a
    wave of groups.

    Args:
        waves: Of the configuration.
        thing_list: The things and groups of the deployment.
        kept: The names of the things by wave.
        excepted: Things that are in no wave.
        image_sha256: The seed, if the configuration has none.
        recent: Recently connected things, as stored; a change of these changes only the order.

    Raises:
        UserMistake: These things, this list and this seed do not make these waves.
    """
    names = {name for things in kept.values() for name in things}
    listed = {Arn.parse(arn).resource_name for arn in thing_list.things} - set(excepted)
    sizes = [
        WaveSize(groups=(wave.name,)) if wave.size.groups else wave.size for wave in waves.waves
    ]
    members = {wave.name: frozenset(kept.get(wave.name, ())) for wave in waves.waves}
    preferred = recent if waves.prefers_recent else ()
    seed = waves.seed or image_sha256
    dealt = divide(names, sizes, seed=seed, members=members, preferred=preferred)
    found = tuple((wave, things) for wave, things in zip(waves.waves, dealt, strict=True) if things)
    is_same = (
        {wave.name: sorted(things) for wave, things in found}
        == {name: sorted(things) for name, things in kept.items()}
        and names.isdisjoint(excepted)
        and (listed <= names if thing_list.groups else listed == names)
        and all(is_thing_name(name) for name in names - listed)
        and {wave.name for wave, _ in found} >= {each.name for each in waves.waves} - {REST}
    )
    if not is_same:
        raise UserMistake(
            f"the kept waves are not those that {thing_list.file_name} and [WAVE_CONFIG] make",
            hint="what a worker stored for the request was changed; add the request again",
        )
    return found


def arms_of(dealt: Sequence[tuple[Wave, tuple[str, ...]]], excepted: int) -> dict[int, ArmSizes]:
    """The largest arms of each wave that can be compared, by its number."""
    later = sum(len(names) for _, names in dealt)
    found = {}
    for number, (wave, names) in enumerate(dealt, start=1):
        later -= len(names)
        arms = ArmSizes.at_most(len(names), later or excepted)
        if not wave.size.groups and not arms.not_compared:
            found[number] = arms
    return found


def plan_comparison(
    configuration: DeploymentConfiguration, image_sha256: str, arms: Mapping[int, ArmSizes]
) -> ComparisonPlan | None:
    """How the waves are compared; None if the file has no comparison."""
    waves = configuration.waves
    if waves is None or waves.compare is None:
        return None
    verify = configuration.verify
    counts_boots = ComparedOutcome.BOOTS in compared_outcomes(verify)
    return ComparisonPlan(
        rule=waves.compare,
        seed=waves.seed or image_sha256,
        waves=tuple(arms),
        source=verify.source if verify and counts_boots else None,
        maximum_boots=verify.maximum_boots if verify else 0,
    )


def check_connectivity(waves: Waves, thing_states: ThingStates) -> None:
    """Check that connectivity is indexed if waves are compared, before anything is created.

    Raises:
        UserMistake: It is not indexed.
    """
    gap = thing_states.index_gap(None) if waves.compare else ""
    if gap:
        raise UserMistake(
            f"compare = True in [WAVE_CONFIG] needs to know which things are connected, and {gap}",
            hint="`aws iot update-indexing-configuration` changes it; or write compare = False",
        )


def check_alarms(waves: Waves, alarms: Alarms) -> None:
    """Check the alarms that gates watch, before anything is created.

    Raises:
        UserMistake: One does not exist, or is in ALARM already.
    """
    names = sorted({name for wave in waves.waves for name in wave.rule.alarms})
    for alarm in alarms.states(names) if names else ():
        if alarm.state is AlarmState.MISSING:
            raise UserMistake(
                f"alarmList in [WAVE_CONFIG] names alarm {alarm.name}, which does not exist",
                hint="`aws cloudwatch describe-alarms` lists the alarms",
            )
        if alarm.state is AlarmState.ALARM:
            raise UserMistake(
                f"alarm {alarm.name} is in ALARM before the first wave: {alarm.reason}",
                hint="every gate would fail; wait until it is OK, or remove it from alarmList",
            )
