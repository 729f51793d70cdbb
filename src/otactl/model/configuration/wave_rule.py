"""What waves require of each other and of the rest of the file."""

from __future__ import annotations

from otactl.model.configuration.report import Finding, Rule, forbid, keys
from otactl.model.configuration.sections import WAVE_PREFIX, KeyName
from otactl.model.configuration.wave_kind import ListedWave
from otactl.model.configuration.wave_section import OnGateFailure
from otactl.model.identifier import MAX_JOB_ID_LENGTH
from otactl.model.status import TargetSelection
from otactl.model.wave import REST, WHOLE, WaveSize, percent_words, wave_job_id

#: The ids of a rollback's jobs end with ``-rb-1`` to ``-rb-99``.
_ROLLBACK_SUFFIX = len("-rb-99")


def _names_fit(waves: tuple[ListedWave, ...], job_id: str) -> Finding | None:
    """Each wave's job id, with the suffix of a rollback, fits into 64 characters."""
    longest = max((wave_job_id(job_id, str(one)) for one in waves), key=len)
    if len(longest) + _ROLLBACK_SUFFIX <= MAX_JOB_ID_LENGTH:
        return None
    return Finding(
        "range",
        f"makes the job id {longest} of {len(longest)} characters; with room for -rb-99"
        f" after it, it may have {MAX_JOB_ID_LENGTH - _ROLLBACK_SUFFIX}",
        hint="shorten jobId, or the names of the waves",
    )


def _sizes_fit(names: tuple[str, ...]) -> Rule:
    """Every wave has a size, the rest has none, and percentages are at most 100 together."""

    def check(waves: tuple[ListedWave, ...], *configured: WaveSize | None) -> Finding | None:
        own = dict(zip(names, configured, strict=True))
        total = 0
        for wave in waves:
            size = own.get(wave.name) or wave.size
            if size is None:
                return Finding(
                    "requires",
                    f"{wave.name} has no size",
                    hint=f"write {wave.name}:SIZE, or size in [{WAVE_PREFIX}{wave.name}]",
                )
            if size.is_rest != (wave.name == REST):
                return Finding(
                    "requires",
                    f"the size of {wave.name} cannot be {size}",
                    hint="the wave rest takes what is left, and no other wave does",
                )
            total += size.hundredths or 0
        if total <= WHOLE:
            return None
        return Finding("range", f"the percentages are {percent_words(total)} together; 100% is all")

    sizes = (KeyName(WAVE_PREFIX + name, "size") for name in names)
    return Rule((KeyName("WAVE_CONFIG", "waveList"), *sizes), check)


WAVE_RULES: tuple[Rule, ...] = (
    # A device that dies while it installs must end: only a timeout ends it (facts D).
    forbid(
        keys("DEFAULT.useWaveConfig", "DEFAULT.useTimeoutConfig"),
        lambda use_waves, use_timeout: use_waves and not use_timeout,
        "needs useTimeoutConfig = True, found False",
        hint="without a timeout a device that dies never ends, and its gate never decides",
    ),
    # A round is a test of the whole; a wave is a part of one.
    forbid(
        keys("DEFAULT.useWaveConfig", "DEFAULT.rounds"),
        lambda use_waves, rounds: use_waves and rounds > 1,
        "needs rounds = 1, found {1}",
    ),
    # A CONTINUOUS job never ends (facts A3), and nothing but windows needs one (facts A6).
    *(
        forbid(
            keys("DEFAULT.useWaveConfig", "DEFAULT.targetSelection", key),
            lambda use_waves, selection, scheduled: (
                use_waves and selection is TargetSelection.CONTINUOUS and not scheduled
            ),
            "needs targetSelection = SNAPSHOT, found CONTINUOUS without windows",
            hint="or useSchedulingConfig = True and maintenanceWindowList in [SCHEDULING_CONFIG]",
        )
        for key in ("DEFAULT.useSchedulingConfig", "SCHEDULING_CONFIG.maintenanceWindowList")
    ),
    Rule(keys("WAVE_CONFIG.waveList", "DEFAULT.jobId"), _names_fit),
    # A clean-up deletes what a rollback needs: the jobs, their executions, the claims on images.
    forbid(
        keys("WAVE_CONFIG.onGateFailure", "DEFAULT.cleanUpCfg"),
        lambda on_failure, clean_up: on_failure is OnGateFailure.ROLLBACK and clean_up,
        "rollback needs cleanUpCfg = False, found True",
    ),
    # A control of things that were offline at the plan would hide a wave that is worse.
    forbid(
        keys("WAVE_CONFIG.preferRecent", "WAVE_CONFIG.compare"),
        lambda prefer_recent, compare: prefer_recent and compare,
        "needs compare = False, found True",
        hint="a control must be drawn as the wave is: the things left over were seen less",
    ),
    # A gate cannot wait for a comparison that is never made.
    forbid(
        keys("WAVE_CONFIG.requireComparison", "WAVE_CONFIG.compare"),
        lambda required, compare: required and not compare,
        "needs compare = True, found False",
    ),
)


def wave_rules(waves: tuple[ListedWave, ...], sections: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of each wave.

    Args:
        waves: As listed.
        sections: The names of the sections that exist.
    """
    names = tuple(one.name for one in waves if WAVE_PREFIX + one.name in sections)
    versions = keys("VERIFY_CONFIG.expectedVersion", "IMAGE_CONFIG.imageVer")
    return (
        # Only the version that a thing reports shows whether it runs the new image.
        forbid(
            (
                KeyName("WAVE_CONFIG", "onGateFailure"),
                *(one for one in versions if one.section in sections),
            ),
            lambda on_failure, *known: on_failure is OnGateFailure.ROLLBACK and not any(known),
            "rollback needs the version of the image, and the file has none",
            hint="write imageVer in [IMAGE_CONFIG], or expectedVersion in [VERIFY_CONFIG]",
        ),
        _sizes_fit(names),
        # The service wants the base rate below the maximum (facts B, M2), of each wave's job too.
        *(
            forbid(
                (
                    KeyName(section, "maximumPerMinute"),
                    KeyName("EXP_RATE_CONFIG", "baseRatePerMinute"),
                ),
                lambda maximum, base: maximum is not None and maximum <= base,
                "must be more than baseRatePerMinute ({1}), found {0}",
            )
            for section in ("WAVE_CONFIG", *(WAVE_PREFIX + name for name in names))
        ),
    )
