"""[WAVE_CONFIG] and [WAVE_CONFIG_…]: a deployment in waves, each with a gate."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from otactl.model import limits
from otactl.model.configuration.kind import Choice, DecimalNumber, Switch, WholeNumber
from otactl.model.configuration.section import Section, key
from otactl.model.configuration.wave_kind import SIZE, WAVE_LIST, ListedWave
from otactl.model.configuration.words import EXISTING_ALARMS, PATH, SEED
from otactl.model.wave import MissingAlarmData, WaveSize

_PERCENTAGE = DecimalNumber(limits.WAVE_PERCENTAGE)
_ELSE = "Left out in a wave's own section, the value of [WAVE_CONFIG]; left out there, "


class OnGateFailure(StrEnum):
    """What follows when a gate fails."""

    STOP = "stop"
    ROLLBACK = "rollback"


class _GateSection(Section):
    """The keys about a wave and its gate that both kinds of section have."""

    required_ended: Annotated[float | None, _PERCENTAGE] = key(
        "requiredEndedPercentage",
        about=(
            "How many of the things the wave was given must have ended before the next wave may"
            f" begin. Rounded up in whole things. {_ELSE}80."
        ),
        example="80",
        default=None,
    )
    required_succeeded: Annotated[float | None, _PERCENTAGE] = key(
        "requiredSucceededPercentage",
        about=(
            "How many of those that ended must have succeeded. Rounded up in whole things. The"
            " gate fails as soon as more of the whole wave failed than that allows."
            f" {_ELSE}95."
        ),
        example="95",
        default=None,
    )
    required_verified: Annotated[float | None, _PERCENTAGE] = key(
        "requiredVerifiedPercentage",
        about=(
            "How many of those that ended must run the new version, by [VERIFY_CONFIG]. Rounded up"
            " in whole things. The gate waits while pending things could still make it pass, and"
            f" fails when they cannot. {_ELSE}it is not required."
        ),
        default=None,
    )
    soak_minutes: Annotated[int | None, WholeNumber(limits.SOAK_MINUTES, "minutes")] = key(
        "soakMinutes",
        about=(
            "How long enough things must have ended and succeeded, without an alarm, before the"
            f" gate passes. {_ELSE}60."
        ),
        example="60",
        default=None,
    )
    maximum_minutes: Annotated[int | None, WholeNumber(limits.WAVE_MINUTES, "minutes")] = key(
        "maximumMinutes",
        about=(
            "If too few have ended this long after the wave's first thing began, the gate is"
            f" inconclusive and waits for a person. {_ELSE}1440."
        ),
        example="1440",
        default=None,
    )
    approval: Annotated[bool | None, Switch()] = key(
        "approval",
        about=(
            "Whether a person must approve the next wave with `otactl approve` when everything"
            f" else is as required. {_ELSE}False."
        ),
        example="False",
        default=None,
    )
    alarms: Annotated[tuple[str, ...] | None, EXISTING_ALARMS] = key(
        "alarmList",
        about=(
            "Names of CloudWatch alarms that exist already. One that is in ALARM, or was since the"
            f" wave began, fails the gate. {_ELSE}none. Those of [ALARM_CONFIG] are made for each"
            " wave's job and always count."
        ),
        becomes="the alarms that the gate checks",
        example="",
        default=None,
    )
    missing_data: Annotated[MissingAlarmData | None, Choice(MissingAlarmData)] = key(
        "alarmMissingData",
        about=(
            "What to do if an alarm of alarmList has no data. wait: the gate waits. ok: ignore it."
            f" fail: the gate fails. {_ELSE}wait."
        ),
        example="wait",
        default=None,
    )
    maximum_per_minute: Annotated[int | None, WholeNumber(limits.MAXIMUM_PER_MINUTE)] = key(
        "maximumPerMinute",
        about=(
            "How many things of the wave are notified per minute. Left out, what the wave's"
            " job would have without waves."
        ),
        becomes="the maximumPerMinute of the wave's job",
        default=None,
    )


class WaveSection(_GateSection):
    """[WAVE_CONFIG_…]: one wave."""

    size: Annotated[WaveSize | None, SIZE] = key(
        "size",
        about=(
            "How many things the wave has, or which groups; it replaces the size in waveList. A"
            " thing belongs to the first wave that takes it."
        ),
        becomes="the targets of the wave's job",
        example="50",
        default=None,
    )


class WaveListSection(_GateSection):
    """[WAVE_CONFIG]: which waves there are, and what holds for all."""

    waves: Annotated[tuple[ListedWave, ...], WAVE_LIST] = key(
        "waveList",
        about=(
            "The waves in order, each with its size. Each gets a job of its own, <jobId>-<wave>,"
            " and the next begins only when its gate has passed."
        ),
        becomes="one job a wave",
        example="canary:50, early:10%, rest",
    )
    seed: Annotated[str | None, SEED] = key(
        "sampleSeed",
        about=(
            "Deals things to waves: the same list and the same seed give the same waves on any"
            " machine. Left out: the digest of the image, so that each image has another canary."
        ),
        default=None,
    )
    prefer_recent: Annotated[bool, Switch()] = key(
        "preferRecent",
        about=(
            "Whether things that AWS IoT saw lately are taken first, so that early waves answer:"
            " those that are connected when the plan is made, or disconnected less than a day"
            " before. Waves of groups stay as they are. The fleet index must have connectivity."
        ),
        default=False,
    )
    excepted_things: Annotated[str | None, PATH] = key(
        "exceptThings",
        about=(
            "A file like thingList, with things only: they are in no wave, even if a group of the"
            " thing list has them."
        ),
        default=None,
    )
    open_days: Annotated[int, WholeNumber(limits.OPEN_DAYS, "days")] = key(
        "openDays",
        about=(
            "With cleanUpCfg = False: how long after the last verdict the jobs stay open for"
            " things that were offline. After that the next `otactl resume`, or a queue's worker,"
            " cancels what is left."
        ),
        default=14,
    )
    fill_per_second: Annotated[int, WholeNumber(limits.FILL_PER_SECOND)] = key(
        "groupFillPerSecond",
        about=(
            "How many things a second are added to the thing group of a wave of more than 100"
            " things. AWS takes 100 calls a second of the whole account. iotApiSleepTime does not"
            " count here."
        ),
        becomes="the rate of iot:AddThingToThingGroup",
        default=50,
    )
    compare: Annotated[bool, Switch()] = key(
        "compare",
        about=(
            "Whether each wave is compared with things that were not updated, at half and at the"
            " end of the soak. If it is worse, its gate fails; no other result stops anything."
        ),
        example="True",
        default=False,
    )
    minimum_difference: Annotated[float | None, DecimalNumber(limits.MINIMUM_DIFFERENCE)] = key(
        "minimumDifference",
        about=(
            "With compare = True: smaller differences stop nothing, in percentage points. Left"
            " out: 1."
        ),
        example="1",
        default=None,
    )
    require_comparison: Annotated[bool, Switch()] = key(
        "requireComparison",
        about=(
            "With compare = True: whether a gate waits for a person if too few things could be"
            " read to compare them."
        ),
        default=False,
    )
    on_gate_failure: Annotated[OnGateFailure, Choice(OnGateFailure)] = key(
        "onGateFailure",
        about=(
            "stop: every open job of the deployment is cancelled, without force. rollback: then"
            " each thing that took the image gets the version back that it reported before; the"
            " plan needs an image of every such version. A deployment that a person rejects is only"
            " stopped."
        ),
        default=OnGateFailure.STOP,
    )
