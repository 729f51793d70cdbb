"""Whether a gate can see things that are gone before it passes.

AWS notices that a client has gone 1.5 times its keep alive after its last packet (MQTT 3.1.1,
3.1.2.10), and a healthy thing reboots first. A soak that is over by then takes bricks for things
that are connected.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from otactl.errors.problem import Severity
from otactl.forecast.lint.finding import Finding
from otactl.forecast.lint.words import duration
from otactl.model.configuration.sections import WAVE_PREFIX
from otactl.model.limits import KEEP_ALIVE_FACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otactl.forecast.lint.lint_context import LintContext

#: Nearly every thing has rebooted by then.
_SLOW_BOOT = 0.99


def check_verification(context: LintContext) -> Iterator[Finding]:
    """The soak of each gate that looks at connections, against the keep alive and a reboot."""
    rule, waves = context.configuration.verify, context.configuration.waves
    if rule is None or waves is None:
        return
    boot = context.mean(lambda group: group.reboot_seconds.quantile(_SLOW_BOOT))
    seconds = KEEP_ALIVE_FACTOR * rule.keep_alive_seconds + boot
    for wave in waves.waves:
        reads = wave.rule.required_verified is not None or waves.compare is not None
        if not reads or wave.rule.soak_ms > seconds * 1000:
            continue
        yield Finding(
            code="OTA707",
            severity=Severity.WARNING,
            section=f"{WAVE_PREFIX}{wave.name}",
            key="soakMinutes",
            message=f"wave {wave.name}: AWS notices {duration(seconds)} after a thing was lost that"
            " it is gone (1.5 x keepAliveSeconds, and a reboot); the soak is over after"
            f" {duration(wave.rule.soak_ms / 1000)}",
            safe=f"soakMinutes = {math.floor(seconds / 60) + 1}, or the keepAliveSeconds that the"
            " things really have",
        )
