"""What waves require of each other and of the rest of the file."""

from __future__ import annotations

from collections.abc import Callable

from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, keys
from otactl.model.configuration.sections import WAVE_PREFIX, KeyName
from otactl.model.configuration.wave_kind import ListedWave
from otactl.model.configuration.wave_section import OnGateFailure
from otactl.model.identifier import MAX_JOB_ID_LENGTH
from otactl.model.status import TargetSelection
from otactl.model.wave import REST, WHOLE, WaveSize, percent_words, wave_job_id

#: What the ids of jobs that take a wave back will end with: ``-rb-1`` to ``-rb-99``.
_ROLLBACK_SUFFIX = len("-rb-99")


def waves_need_timeout(use_waves: bool, use_timeout: bool) -> Finding | None:  # noqa: FBT001  # values of the file
    """A device that dies while it installs must end: only a timeout ends it (facts D)."""
    if use_waves and not use_timeout:
        return Finding(
            code="requires",
            message="needs useTimeoutConfig = True, found False",
            hint="without a timeout a device that dies never ends, and its gate never decides",
        )
    return None


def waves_have_one_round(use_waves: bool, rounds: int) -> Finding | None:  # noqa: FBT001
    """A round is a test of the whole; a wave is a part of one."""
    if use_waves and rounds > 1:
        return Finding(code="requires", message=f"needs rounds = 1, found {rounds}")
    return None


def continuous_has_windows(
    use_waves: bool,  # noqa: FBT001
    selection: TargetSelection,
    scheduled: bool | tuple[str, ...],  # noqa: FBT001  # the switch, or the names of the windows
) -> Finding | None:
    """A CONTINUOUS job never ends (facts A3), and nothing but windows needs one (facts A6)."""
    if use_waves and selection is TargetSelection.CONTINUOUS and not scheduled:
        return Finding(
            code="requires",
            message="needs targetSelection = SNAPSHOT, found CONTINUOUS without windows",
            hint="or useSchedulingConfig = True and maintenanceWindowList in [SCHEDULING_CONFIG]",
        )
    return None


def names_fit(waves: tuple[ListedWave, ...], job_id: str) -> Finding | None:
    """Each wave's job id, and room for the jobs that would take it back, in 64 characters."""
    longest = max((wave_job_id(job_id, str(one)) for one in waves), key=len)
    if len(longest) + _ROLLBACK_SUFFIX > MAX_JOB_ID_LENGTH:
        return Finding(
            code="range",
            message=(
                f"makes the job id {longest} of {len(longest)} characters; with room for -rb-99"
                f" behind it, it may have {MAX_JOB_ID_LENGTH - _ROLLBACK_SUFFIX}"
            ),
            hint="shorten jobId, or the names of the waves",
        )
    return None


def rollback_keeps_what_it_needs(on_failure: OnGateFailure, clean_up: bool) -> Finding | None:  # noqa: FBT001
    """A clean-up takes the jobs, the former images' claims and what things did with it."""
    if on_failure is OnGateFailure.ROLLBACK and clean_up:
        return Finding(code="requires", message="rollback needs cleanUpCfg = False, found True")
    return None


def rollback_knows_the_version(on_failure: OnGateFailure, *versions: str | None) -> Finding | None:
    """Who runs the new image is known by the version it reports."""
    if on_failure is OnGateFailure.ROLLBACK and not any(versions):
        return Finding(
            code="requires",
            message="rollback needs the version of the image, and the file says none",
            hint="write imageVer in [IMAGE_CONFIG], or expectedVersion in [VERIFY_CONFIG]",
        )
    return None


def recent_has_no_control(prefer_recent: bool, compare: bool) -> Finding | None:  # noqa: FBT001
    """A control of things that were gone at the plan would hide a wave that is worse."""
    if prefer_recent and compare:
        return Finding(
            code="requires",
            message="needs compare = False, found True",
            hint="a control must be drawn as the wave is: the things left over were seen less",
        )
    return None


def required_needs_comparing(required: bool, compare: bool) -> Finding | None:  # noqa: FBT001
    """A gate cannot wait for a comparison that nobody makes."""
    if required and not compare:
        return Finding(code="requires", message="needs compare = True, found False")
    return None


def _sizes_fit(names: tuple[str, ...]) -> Callable[..., Finding | None]:
    def sizes_fit(waves: tuple[ListedWave, ...], *configured: WaveSize | None) -> Finding | None:
        """Every wave has a size, the rest has none, and percentages are at most 100 together."""
        own = dict(zip(names, configured, strict=True))
        total = 0
        for wave in waves:
            size = own.get(wave.name) or wave.size
            if size is None:
                return Finding(
                    code="requires",
                    message=f"{wave.name} has no size",
                    hint=f"write {wave.name}:SIZE, or size in [{WAVE_PREFIX}{wave.name}]",
                )
            if size.is_rest != (wave.name == REST):
                return Finding(
                    code="requires",
                    message=f"the size of {wave.name} cannot be {size}",
                    hint="the wave rest takes what is left, and no other wave does",
                )
            total += size.hundredths or 0
        if total > WHOLE:
            return Finding(
                code="range",
                message=f"the percentages are {percent_words(total)} together; 100% is all",
            )
        return None

    return sizes_fit


def maximum_is_above_base(maximum: int | None, base: int) -> Finding | None:
    """The service wants the base rate below the maximum (facts B, M2), of each wave's job too."""
    if maximum is not None and maximum <= base:
        return Finding(
            code="requires",
            message=f"must be more than baseRatePerMinute ({base}), found {maximum}",
        )
    return None


WAVE_RULES: tuple[Rule, ...] = (
    Rule(keys("DEFAULT.useWaveConfig", "DEFAULT.useTimeoutConfig"), waves_need_timeout),
    Rule(keys("DEFAULT.useWaveConfig", "DEFAULT.rounds"), waves_have_one_round),
    *(
        Rule(keys("DEFAULT.useWaveConfig", "DEFAULT.targetSelection", key), continuous_has_windows)
        for key in ("DEFAULT.useSchedulingConfig", "SCHEDULING_CONFIG.maintenanceWindowList")
    ),
    Rule(keys("WAVE_CONFIG.waveList", "DEFAULT.jobId"), names_fit),
    Rule(keys("WAVE_CONFIG.onGateFailure", "DEFAULT.cleanUpCfg"), rollback_keeps_what_it_needs),
    Rule(keys("WAVE_CONFIG.preferRecent", "WAVE_CONFIG.compare"), recent_has_no_control),
    Rule(keys("WAVE_CONFIG.requireComparison", "WAVE_CONFIG.compare"), required_needs_comparing),
)


def wave_rules(waves: tuple[ListedWave, ...], sections: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of each wave.

    Args:
        waves: As listed.
        sections: The names of the sections that are there.
    """
    names = tuple(one.name for one in waves if WAVE_PREFIX + one.name in sections)
    sizes = tuple(KeyName(WAVE_PREFIX + name, "size") for name in names)
    base = KeyName("EXP_RATE_CONFIG", "baseRatePerMinute")
    where = ("WAVE_CONFIG", *(WAVE_PREFIX + name for name in names))
    versions = keys("VERIFY_CONFIG.expectedVersion", "IMAGE_CONFIG.imageVer")
    known = (one for one in versions if one.section in sections)
    return (
        Rule((KeyName("WAVE_CONFIG", "onGateFailure"), *known), rollback_knows_the_version),
        Rule((KeyName("WAVE_CONFIG", "waveList"), *sizes), _sizes_fit(names)),
        *(
            Rule((KeyName(section, "maximumPerMinute"), base), maximum_is_above_base)
            for section in where
        ),
    )
