"""Whom each wave is for: groups expanded once, things dealt once, empty waves refused."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING

from otactl.errors import UserMistake
from otactl.model.arn import Arn
from otactl.model.progress import AlarmState
from otactl.model.thing_list import ThingList
from otactl.model.wave import REST, Wave, Waves
from otactl.rules.waves.membership import divide

if TYPE_CHECKING:
    from otactl.deploy.ports import Alarms, Registry


def deal_waves(
    waves: Waves,
    thing_list: ThingList,
    registry: Registry,
    *,
    excepted: Collection[str],
    image_sha256: str,
) -> tuple[tuple[Wave, tuple[str, ...]], ...]:
    """The waves and the names of their things, in order of the hash; an empty rest is left out.

    Raises:
        UserMistake: There is nothing for a wave.
    """
    names = {Arn.parse(arn).resource_name for arn in thing_list.things}
    for group in thing_list.groups:
        names.update(registry.things_in_group(Arn.parse(group).resource_name))
    names.difference_update(excepted)
    members = {
        group: frozenset(registry.things_in_group(Arn.parse(group).resource_name))
        for group in {arn for wave in waves.waves for arn in wave.size.groups}
    }
    dealt = divide(
        names,
        [wave.size for wave in waves.waves],
        seed=waves.seed or image_sha256,
        members=members,
    )
    for wave, things in zip(waves.waves, dealt, strict=True):
        if not things and (wave.name != REST or not names):
            raise UserMistake(
                f"wave {wave.name} ({wave.size}) has no things: {thing_list.file_name} names"
                f" {len(names):,}, and the waves before it take them or its groups have none",
                hint="change waveList in [WAVE_CONFIG], or the thing list",
            )
    return tuple((wave, found) for wave, found in zip(waves.waves, dealt, strict=True) if found)


def things_digest(names: tuple[str, ...]) -> str:
    """A digest of a wave's things, so that two plans can be compared."""
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode() + b"\n")
    return digest.hexdigest()


def check_alarms(waves: Waves, alarms: Alarms) -> None:
    """Look at the alarms that gates watch, before anything is created.

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
                hint="every gate would fail; see to the alarm, or take it off alarmList",
            )
