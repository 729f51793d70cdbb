"""The power of a comparison of waves with controls, reported before a deployment relies on it.

The chances are computed over every pair of counts (``rules.comparison.fisher``), for arms with all
things connected and for arms with 30% of them offline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from otactl.errors.problem import Severity
from otactl.forecast.lint.finding import Finding, chance, duration, finding, percent
from otactl.forecast.lint.lint_context import LintContext
from otactl.model.limits import KEEP_ALIVE_FACTOR
from otactl.rules.comparison.arms import ArmSizes, expected_arms
from otactl.rules.comparison.compare import compared_outcomes, threshold
from otactl.rules.comparison.fisher import Design, power

#: The share of things not updated that is assumed to be gone when a gate reads them.
USUAL_SHARE = 0.005
#: Shares of a wave that a bad image makes go.
BAD_SHARES = (0.05, 0.10)
#: The share of all things that is offline when a wave begins.
OFFLINE = 0.3


def check_comparison(context: LintContext) -> Iterator[Finding]:
    """The power of each comparison; waves of groups and those without a control have none."""
    waves = context.configuration.waves
    if waves is None or waves.compare is None:
        return
    arms = expected_arms([wave.size for wave in waves.waves], context.things, 0)
    outcomes = compared_outcomes(context.configuration.verify)
    is_last_compared = waves.excepted_things is not None and arms[-1] is None
    compared = sum(each is not None for each in arms) + is_last_compared
    least = waves.compare.minimum_difference
    for wave, sizes in zip(waves.waves, arms, strict=True):
        if sizes is None:
            continue
        level = threshold(compared, len(outcomes))
        yield finding(
            "OTA706",
            f"{_power(sizes, level, least)}; with {percent(OFFLINE)} of"
            f" all things offline {_power(_online(sizes), level, least)}",
            safe="a larger wave sees smaller differences; a comparison stops, it never proves",
            of=wave.name,
            severity=Severity.NOTE,
        )


def _online(sizes: ArmSizes) -> ArmSizes:
    return ArmSizes(
        wave=max(1, int(sizes.wave * (1 - OFFLINE))), control=int(sizes.control * (1 - OFFLINE))
    )


def _power(sizes: ArmSizes, level: float, least: int) -> str:
    design = Design(sizes.wave, sizes.control, level, least)
    seen = " and ".join(
        f"{percent(bad)} with {chance(power(design, USUAL_SHARE, bad))}" for bad in BAD_SHARES
    )
    return (
        f"{sizes.wave:,} things against {sizes.control:,} show a rise of things that are gone from"
        f" {percent(USUAL_SHARE)} to {seen}"
    )


# AWS notices that a client has gone 1.5 times its keep alive after its last packet (MQTT 3.1.1,
# 3.1.2.10), and a healthy thing reboots first. A shorter soak counts bricked things as connected.

#: The quantile of the reboot time.
_SLOW_BOOT = 0.99


def check_verification(context: LintContext) -> Iterator[Finding]:
    """Compare the soak of each gate that reads connections with the keep alive and a reboot."""
    rule, waves = context.configuration.verify, context.configuration.waves
    if rule is None or waves is None:
        return
    boot = context.mean(lambda group: group.reboot_seconds.quantile(_SLOW_BOOT))
    seconds = KEEP_ALIVE_FACTOR * rule.keep_alive_seconds + boot
    for wave in waves.waves:
        reads = wave.rule.required_verified is not None or waves.compare is not None
        if not reads or wave.rule.soak_ms > seconds * 1000:
            continue
        yield finding(
            "OTA707",
            f"AWS notices {duration(seconds)} after a thing was lost that"
            " it is gone (1.5 x keepAliveSeconds, and a reboot); the soak is over after"
            f" {duration(wave.rule.soak_ms / 1000)}",
            safe=f"soakMinutes = {math.floor(seconds / 60) + 1}, or the keepAliveSeconds that the"
            " things really have",
            of=wave.name,
        )
