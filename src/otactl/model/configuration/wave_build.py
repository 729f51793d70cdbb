"""Builds the waves out of sections that are known to be valid."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from otactl.model.comparison import CompareRule
from otactl.model.configuration.section import Section
from otactl.model.configuration.sections import WAVE_PREFIX
from otactl.model.configuration.wave_kind import ListedWave
from otactl.model.configuration.wave_section import OnGateFailure, WaveListSection, WaveSection
from otactl.model.job_configuration import JobConfiguration, Rollout, Scheduling
from otactl.model.wave import GateRule, Wave, Waves, WaveSize

_MINUTE_MS = 60_000


def build_waves(
    sections: Mapping[str, Section], job: JobConfiguration, base_dir: str
) -> Waves | None:
    """The waves; None when the file has none.

    Args:
        sections: Those that count.
        job: What holds for the jobs of all waves.
        base_dir: What relative paths count from.
    """
    section = sections.get("WAVE_CONFIG")
    if not isinstance(section, WaveListSection):
        return None
    path = section.excepted_things
    return Waves(
        waves=tuple(
            _wave(listed, section, sections.get(WAVE_PREFIX + listed.name), job, is_first=not order)
            for order, listed in enumerate(section.waves)
        ),
        seed=section.seed,
        excepted_things=None if path is None else os.path.join(base_dir, path),  # noqa: PTH118
        open_days=section.open_days,
        fill_per_second=section.fill_per_second,
        compare=_compare(section),
        rolls_back=section.on_gate_failure is OnGateFailure.ROLLBACK,
        prefers_recent=section.prefer_recent,
    )


def _compare(section: WaveListSection) -> CompareRule | None:
    if not section.compare:
        return None
    least = _hundredths(section.minimum_difference)
    rule = CompareRule(is_required=section.require_comparison)
    return rule if least is None else replace(rule, minimum_difference=least)


def _wave(
    listed: ListedWave,
    common: WaveListSection,
    own: Section | None,
    job: JobConfiguration,
    *,
    is_first: bool,
) -> Wave:
    section = own if isinstance(own, WaveSection) else WaveSection()

    def find(name: str) -> Any:
        value = getattr(section, name)
        return getattr(common, name) if value is None else value

    given = {
        "required_ended": _hundredths(find("required_ended")),
        "required_succeeded": _hundredths(find("required_succeeded")),
        "required_verified": _hundredths(find("required_verified")),
        "soak_ms": _ms(find("soak_minutes")),
        "maximum_ms": _ms(find("maximum_minutes")),
        "needs_approval": find("approval"),
        "alarms": find("alarms"),
        "missing_data": find("missing_data"),
    }
    return Wave(
        name=listed.name,
        size=section.size or listed.size or WaveSize(),
        rule=GateRule(**{name: value for name, value in given.items() if value is not None}),
        job=_job(job, find("maximum_per_minute"), is_first=is_first),
    )


def _hundredths(percentage: float | None) -> int | None:
    return None if percentage is None else round(percentage * 100)


def _ms(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * _MINUTE_MS


def _job(job: JobConfiguration, maximum: int | None, *, is_first: bool) -> JobConfiguration:
    """The policy of one wave's job: its rate, and a start time only where it is the first."""
    if maximum is not None:
        rate = None if job.rollout is None else job.rollout.exponential_rate
        job = replace(job, rollout=Rollout(maximum_per_minute=maximum, exponential_rate=rate))
    if job.scheduling is not None and not is_first:
        later = replace(job.scheduling, start_time=None)
        job = replace(job, scheduling=None if later == Scheduling() else later)
    return job
