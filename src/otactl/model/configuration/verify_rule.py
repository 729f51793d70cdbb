"""What verification requires of the rest of the file."""

from __future__ import annotations

from collections.abc import Iterable

from otactl.errors.problem import Severity
from otactl.model.configuration.report import Finding
from otactl.model.configuration.rule import Rule, keys
from otactl.model.configuration.sections import WAVE_PREFIX, KeyName
from otactl.model.status import TargetSelection
from otactl.model.thing_state import PACKAGE_SHADOW

_SWITCH = KeyName("DEFAULT", "useVerifyConfig")


def verifying_has_one_round(use_verify: bool, rounds: int) -> Finding | None:  # noqa: FBT001  # values of the file
    """From the second round on every thing has the version already, so nothing would be proved."""
    if use_verify and rounds > 1:
        return Finding(code="requires", message=f"needs rounds = 1, found {rounds}")
    return None


def verifying_is_of_snapshots(
    use_verify: bool,  # noqa: FBT001
    selection: TargetSelection,
    use_waves: bool,  # noqa: FBT001
) -> Finding | None:
    """Verification follows the end of a job; a CONTINUOUS one has one in waves alone (facts A3)."""
    if use_verify and selection is TargetSelection.CONTINUOUS and not use_waves:
        return Finding(
            code="requires", message="needs targetSelection = SNAPSHOT, found CONTINUOUS"
        )
    return None


def version_is_known(use_verify: bool, *versions: str | None) -> Finding | None:  # noqa: FBT001
    """There is a version to expect."""
    if use_verify and not any(versions):
        return Finding(
            code="requires",
            message="needs expectedVersion in [VERIFY_CONFIG] or imageVer in [IMAGE_CONFIG]",
            hint="write the version that a thing reports when the new image runs",
        )
    return None


def package_is_the_devices_own(shadow: str) -> Finding | None:
    """Jobs with destinationPackageVersions let AWS write it on SUCCEEDED (facts O); ours have none.

    A check of what AWS IoT Jobs wrote itself would prove nothing.
    """
    if shadow == PACKAGE_SHADOW:
        return Finding(
            code="package-source",
            message=(
                "$package proves something only as long as devices alone write it: otactl's jobs "
                "name no package version, but another job with destinationPackageVersions would "
                "have AWS IoT Jobs write it on SUCCEEDED"
            ),
            hint="`aws iot get-package-configuration` says whether Jobs may; or use another shadow",
            severity=Severity.WARNING,
        )
    return None


def required_needs_verifying(required: float | None, use_verify: bool) -> Finding | None:  # noqa: FBT001
    """Nothing is verified without the section."""
    if required is not None and not use_verify:
        return Finding(code="requires", message="needs useVerifyConfig = True in [DEFAULT]")
    return None


def eligibility_is_of_snapshots(
    use: bool,  # noqa: FBT001
    selection: TargetSelection,
    use_waves: bool,  # noqa: FBT001
) -> Finding | None:
    """A CONTINUOUS job takes things that join later, but not in waves, whose groups are ours."""
    if use and selection is TargetSelection.CONTINUOUS and not use_waves:
        return Finding(
            code="requires", message="needs targetSelection = SNAPSHOT, found CONTINUOUS"
        )
    return None


def current_is_known(skips: bool, *versions: str | None) -> Finding | None:  # noqa: FBT001
    """Which things have the new version is known only if the file names it."""
    if skips and not any(versions):
        return Finding(
            code="requires",
            message="needs expectedVersion in [VERIFY_CONFIG] or imageVer in [IMAGE_CONFIG]",
            hint="write the version, or skipIfCurrent = False",
        )
    return None


VERIFY_RULES: tuple[Rule, ...] = (
    Rule(keys("DEFAULT.useVerifyConfig", "DEFAULT.rounds"), verifying_has_one_round),
    Rule(
        keys("DEFAULT.useVerifyConfig", "DEFAULT.targetSelection", "DEFAULT.useWaveConfig"),
        verifying_is_of_snapshots,
    ),
    Rule(
        keys("DEFAULT.useEligibilityConfig", "DEFAULT.targetSelection", "DEFAULT.useWaveConfig"),
        eligibility_is_of_snapshots,
    ),
    Rule(keys("VERIFY_CONFIG.source"), package_is_the_devices_own),
)


def verify_rules(waves: Iterable[object], present: frozenset[str]) -> tuple[Rule, ...]:
    """The rules that need to know which sections there are.

    Args:
        waves: As listed; their ``str()`` is their name.
        present: The names of the sections that are there.
    """
    versions = keys("VERIFY_CONFIG.expectedVersion", "IMAGE_CONFIG.imageVer")
    known = tuple(one for one in versions if one.section in present)
    current = KeyName("ELIGIBILITY_CONFIG", "skipIfCurrent")
    sections = ("WAVE_CONFIG", *(f"{WAVE_PREFIX}{wave}" for wave in waves))
    return (
        Rule((_SWITCH, *known), version_is_known),
        Rule((current, *known), current_is_known),
        *(
            Rule(
                (KeyName(section, "requiredVerifiedPercentage"), _SWITCH), required_needs_verifying
            )
            for section in sections
        ),
    )
