"""What ``requiredVerifiedPercentage`` asks of a wave, and whether it can still be met.

It counts of those that ended, and rounds up in whole things as every threshold of a gate does.
"""

from __future__ import annotations

from otactl.model.verify import counts_words
from otactl.model.wave import GateRule, percent_words
from otactl.rules.verify.verdict import VersionCount
from otactl.rules.waves.counting import WaveCount
from otactl.rules.waves.membership import share_of


def slack_of(rule: GateRule, count: WaveCount) -> int | None:
    """How many that succeeded may be bad; one more and too few can be verified. None for any."""
    if rule.required_verified is None:
        return None
    return count.succeeded + count.open - share_of(count.ended + count.open, rule.required_verified)


def allowed_unverified(rule: GateRule, given: int) -> int | None:
    """How many things of a whole wave may end without being verified; None for any."""
    if rule.required_verified is None:
        return None
    return given - share_of(given, rule.required_verified)


def why_lost(rule: GateRule, count: WaveCount, versions: VersionCount | None) -> str:
    """Why too few can be verified even if all that is open ends well and is; empty if they can."""
    slack = slack_of(rule, count)
    if versions is None or slack is None or versions.bad <= slack:
        return ""
    required = percent_words(rule.required_verified or 0)
    return (
        f"{versions.bad:,} of {count.succeeded:,} things that succeeded do not run the new version"
        f" ({counts_words(versions.by_verdict)}): {required} can no longer be verified"
        " (requiredVerifiedPercentage)"
    )


def why_short(rule: GateRule, count: WaveCount, versions: VersionCount | None) -> str:
    """Why too few are verified as yet; empty if enough are, or none need to be."""
    if rule.required_verified is None or versions is None:
        return ""
    needed = share_of(count.ended, rule.required_verified)
    if versions.verified >= needed:
        return ""
    return (
        f"{versions.verified:,} of {count.ended:,} that ended are verified ({needed:,} needed)"
        + (f": {counts_words(versions.by_verdict)}" if versions.by_verdict else "")
    )


def pending_of(count: WaveCount, versions: VersionCount) -> int:
    """Things that succeeded and on which nothing is decided, though it will be."""
    return count.succeeded - versions.verified - versions.bad - versions.unknown
