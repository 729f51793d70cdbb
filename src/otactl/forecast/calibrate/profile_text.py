"""A fitted profile as the TOML file that ``--profile`` takes, each number with its certainty."""

from __future__ import annotations

from otactl.forecast.calibrate.fit import Fit
from otactl.forecast.distribution import Distribution
from otactl.forecast.profile import Group

_DEFAULTS = Group()


def profile_text(found: Fit, *, source: str) -> str:
    """The file; the comment at its top names the source of the data."""
    group = found.profile.group[0]
    lines = [
        f"# A fleet profile for `otactl forecast` and `otactl lint`, fitted to {source}.",
        "# Behind each number: its 95% confidence interval, and how many observations it rests on.",
        *(f"# Note: {note}." for note in found.notes),
        "",
    ]
    if found.profile.image_bytes is not None:
        lines += [f"image_bytes = {found.profile.image_bytes}", ""]
    fitted = {name.partition(".")[0] for name in found.estimates}
    lines += ["[[group]]", f'name = "{group.name}"']
    for key in Group.model_fields:
        value = getattr(group, key)
        is_default = key not in fitted and value == getattr(_DEFAULTS, key)
        if key in ("name", "share") or is_default:
            continue
        lines.append(f"{key} = {_written(value)}{_certainty(found, key)}")
    return "\n".join(lines) + "\n"


def _written(value: object) -> str:
    if isinstance(value, Distribution):
        given = {name: part for name, part in value if part is not None}
        if "constant" in given:
            return f"{given['constant']:g}"
        parts = ", ".join(f"{name} = {_written(part)}" for name, part in given.items())
        return f"{{ {parts} }}"
    if isinstance(value, tuple):
        return "[" + ", ".join(f"{part:g}" for part in value) + "]"
    # All digits of a share: if they were rounded, shares that add up to 1 could exceed it.
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _certainty(found: Fit, key: str) -> str:
    estimate = found.estimates.get(key)
    if estimate is not None:
        return f"  # {estimate.low:.3g} to {estimate.high:.3g}, of {estimate.count:,}"
    median = found.estimates.get(f"{key}.median")
    if median is None:
        return ""
    return f"  # median {median.low:.3g} to {median.high:.3g}, of {median.count:,}"
