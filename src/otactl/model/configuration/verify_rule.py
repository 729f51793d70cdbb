"""What verification and eligibility require of the rest of the file."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.errors.problem import Severity
from otactl.model.configuration.report import Rule, forbid, keys
from otactl.model.configuration.sections import WAVE_PREFIX, KeyName
from otactl.model.status import TargetSelection
from otactl.model.thing_state import PACKAGE_SHADOW

_SWITCH = KeyName("DEFAULT", "useVerifyConfig")

VERIFY_RULES: tuple[Rule, ...] = (
    # From the second round on every thing has the version already: a check would prove nothing.
    forbid(
        keys("DEFAULT.useVerifyConfig", "DEFAULT.rounds"),
        lambda use_verify, rounds: use_verify and rounds > 1,
        "needs rounds = 1, found {1}",
    ),
    # Verification follows the end of a job; a CONTINUOUS one has one in waves alone (facts A3). It
    # also takes things that join later, but not in waves, whose groups are ours.
    *(
        forbid(
            keys(switch, "DEFAULT.targetSelection", "DEFAULT.useWaveConfig"),
            lambda use, selection, use_waves: (
                use and selection is TargetSelection.CONTINUOUS and not use_waves
            ),
            "needs targetSelection = SNAPSHOT, found CONTINUOUS",
        )
        for switch in ("DEFAULT.useVerifyConfig", "DEFAULT.useEligibilityConfig")
    ),
    # Jobs with destinationPackageVersions let AWS write it on SUCCEEDED (facts O); ours have none.
    # A check of what AWS IoT Jobs wrote itself would prove nothing.
    forbid(
        keys("VERIFY_CONFIG.source"),
        lambda shadow: shadow == PACKAGE_SHADOW,
        "$package proves something only as long as devices alone write it: otactl's jobs "
        "name no package version, but another job with destinationPackageVersions would "
        "have AWS IoT Jobs write it on SUCCEEDED",
        hint="`aws iot get-package-configuration` says whether Jobs may; or use another shadow",
        severity=Severity.WARNING,
        code="package-source",
    ),
)


def verify_rules(waves: Iterable[object], present: frozenset[str]) -> tuple[Rule, ...]:
    """The rules that depend on which sections exist.

    Args:
        waves: As listed; their ``str()`` is their name.
        present: The names of the sections that exist.
    """
    versions = keys("VERIFY_CONFIG.expectedVersion", "IMAGE_CONFIG.imageVer")
    known = tuple(one for one in versions if one.section in present)
    hints = {
        _SWITCH: "write the version that a thing reports when the new image runs",
        KeyName("ELIGIBILITY_CONFIG", "skipIfCurrent"): (
            "write the version, or skipIfCurrent = False"
        ),
    }
    return (
        # There is a version to expect, or to recognise.
        *(
            forbid(
                (switch, *known),
                lambda is_on, *named: is_on and not any(named),
                "needs expectedVersion in [VERIFY_CONFIG] or imageVer in [IMAGE_CONFIG]",
                hint=hint,
            )
            for switch, hint in hints.items()
        ),
        # Nothing is verified without the section.
        *(
            forbid(
                (KeyName(section, "requiredVerifiedPercentage"), _SWITCH),
                lambda required, use_verify: required is not None and not use_verify,
                "needs useVerifyConfig = True in [DEFAULT]",
            )
            for section in ("WAVE_CONFIG", *(f"{WAVE_PREFIX}{wave}" for wave in waves))
        ),
    )
