"""When an alarm of a wave's job goes off in a run.

Known are alarms on the failures of a period (``rules.alarm``): what devices measure is not. A
period counts from the wave's begin, and is bad when it is over; how late CloudWatch sees it is left
out.
"""

from __future__ import annotations

import math

import numpy as np

from otactl.forecast.attempts import CODES, NEVER
from otactl.forecast.run import Run
from otactl.model.alarm import Alarm, AlarmType
from otactl.rules.alarm import adds_up, counted_failures, is_running_total


def is_forecast(alarm: Alarm) -> bool:
    """Whether what the alarm watches is in a forecast."""
    is_upper = alarm.alarm_type is AlarmType.UPPER
    counts = counted_failures(alarm) is not None and not is_running_total(alarm)
    return is_upper and counts and adds_up(alarm)


def alarm_moment(alarm: Alarm, one_run: Run) -> float:
    """When it goes off, in milliseconds since the wave began; infinite for never."""
    counted = counted_failures(alarm)
    if counted is None or not is_forecast(alarm):
        return math.inf
    codes = [CODES[status] for status in sorted(counted.statuses)]
    period_ms = 1000 * alarm.period_seconds
    ends = [
        part.ended_ms[np.isin(part.status, codes) & (part.ended_ms < NEVER)]
        for part in one_run.parts
    ]
    periods, counts = np.unique(
        np.concatenate([np.zeros(0, dtype=np.int64), *ends]) // period_ms, return_counts=True
    )
    bad = periods[counts > alarm.threshold]
    # The M-th of the last M bad periods, when they are no more than N periods apart.
    last = bad[alarm.datapoints_to_alarm - 1 :]
    found = last[last - bad[: len(last)] < alarm.evaluation_periods]
    return float((found[0] + 1) * period_ms) if len(found) else math.inf
