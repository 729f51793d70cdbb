"""What a device does after its SUCCEEDED is recorded, and when it reports its version.

A healthy device reports its version after each connection, and ``report_ms`` after each execution.
The report of a new image is then later than its SUCCEEDED even in whole seconds, the resolution of
shadow times. It does not report while a verdict is still to be sent. An unhealthy device (the
behaviours in ``AFTER_SUCCESS``):

- *revert* boots the new image, whose self-test fails, and then the old one, which connects;
- *crashloop* reports, runs for ``crash_ms``, reboots, connects, and so on, until another image
  is installed;
- *dark* reports once, then goes offline for good; *brick* goes offline at once;
- *liar* reports the old version, which still runs; this module does nothing for it;
- *late* reports ``late_ms`` afterwards, and not before.
"""

from __future__ import annotations

from otactl.device.behaviour import Behaviour
from otactl.device.effect import Effect, FallBack, GoDark, Reboot, ReportVersion
from otactl.device.profile import DeviceProfile
from otactl.device.retry import earliest


class Aftermath:
    """The state of one device after its executions."""

    __slots__ = ("_crash_at_ms", "_fate", "_profile", "_report_at_ms", "_reports_version")

    def __init__(self, profile: DeviceProfile, *, reports_version: bool) -> None:
        self._profile = profile
        self._reports_version = reports_version
        self._fate: Behaviour | None = None
        self._crash_at_ms: int | None = None
        self._report_at_ms: int | None = None

    @property
    def is_lost(self) -> bool:
        """Whether the device is offline for good or in a crash loop."""
        return self._fate in (Behaviour.DARK, Behaviour.BRICK, Behaviour.CRASHLOOP)

    @property
    def next_deadline_ms(self) -> int | None:
        """When to call ``on_time``, while the device is connected."""
        return earliest(self._crash_at_ms, self._report_at_ms)

    def execution_ended(self, fate: Behaviour | None, now_ms: int) -> list[Effect]:
        """Handle the end of an execution; ``fate`` is how its image fails, None if it does not."""
        if fate is not None:
            self._fate = fate
        match fate:
            case Behaviour.REVERT:
                return [Reboot(0, self._profile.reboot_ms)]
            case Behaviour.BRICK:
                return [GoDark()]
            case Behaviour.CRASHLOOP:
                self._crash_at_ms = now_ms + self._profile.crash_ms
        is_late = fate is Behaviour.LATE
        delay_ms = self._profile.late_ms if is_late else self._profile.report_ms
        self._report_at_ms = now_ms + delay_ms
        return []

    def image_booted(self) -> None:
        """Reset: an execution's new image runs."""
        self._fate = self._crash_at_ms = self._report_at_ms = None

    def rebooted(self) -> list[Effect]:
        """Handle the end of a reboot that belongs to no execution."""
        if self._fate is not Behaviour.REVERT:
            return []
        self._fate = None
        return [FallBack(), Reboot(0, self._profile.reboot_ms)]

    def connected(self, now_ms: int, *, has_verdict: bool) -> list[Effect]:
        """Handle a new connection; ``has_verdict`` if a verdict is still to be sent."""
        if self._fate is Behaviour.CRASHLOOP:
            self._crash_at_ms = now_ms + self._profile.crash_ms
        return [] if has_verdict or self._report_at_ms is not None else self._report()

    def on_time(self, now_ms: int) -> list[Effect]:
        """Handle the deadlines that have passed."""
        effects: list[Effect] = []
        if self._report_at_ms is not None and self._report_at_ms <= now_ms:
            self._report_at_ms = None
            effects += self._report()
            if self._fate is Behaviour.DARK:
                effects.append(GoDark())
        if self._crash_at_ms is not None and self._crash_at_ms <= now_ms:
            self._crash_at_ms = None
            effects.append(Reboot(0, self._profile.reboot_ms))
        return effects

    def _report(self) -> list[Effect]:
        return [ReportVersion()] if self._reports_version else []
