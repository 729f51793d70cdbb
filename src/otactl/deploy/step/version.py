"""The steps of verification: read what things report before, and what they report after.

What they do needs the whole journal, so it is in ``deploy.wave_verify``.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.step.base import Calls, Step
from otactl.model.fleet_query import PAGE

_MS_PER_MINUTE = 60_000


class NoteVersions(Step):
    """Read what things report before they are notified."""

    kind: Literal["note-versions"] = "note-versions"
    round: int
    wave: str = ""
    things: int
    #: Groups to search in the fleet index; empty if things are read one by one.
    groups: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Each round, or each wave, has its own step."""
        return f"wave-{self.wave}/versions" if self.wave else f"round-{self.round}/versions"

    @property
    def title(self) -> str:
        return f"read the version that {self.things:,} things report before the update"

    @property
    def calls(self) -> Calls:
        """A page of the index for each hundred, or a shadow for each thing."""
        if self.groups:
            return {"iot:SearchIndex": 1 + self.things // PAGE}
        return {"iotdata:GetThingShadow": self.things}


class VerifyVersions(Step):
    """Wait for missing verdicts, and read the things with bad ones again."""

    kind: Literal["verify-versions"] = "verify-versions"
    things: int
    expected: str
    verify_ms: int
    is_searched: bool = False

    key: ClassVar[str] = "versions/verify"

    @property
    def title(self) -> str:
        return (
            f"verify that {self.things:,} things report version {self.expected},"
            f" {self.verify_ms // _MS_PER_MINUTE:,} min after each succeeded"
        )

    @property
    def calls(self) -> Calls:
        """If nothing fails: a page of the index for each hundred, or two calls for each thing."""
        if self.is_searched:
            return {"iot:SearchIndex": 1 + self.things // PAGE}
        return {"iotdata:GetThingShadow": self.things, "iot:GetThingConnectivityData": self.things}
