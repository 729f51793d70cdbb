"""A caller's options for where to work: AWS profile, region, endpoint, state directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationOptions:
    """Where to work. A None is taken from the environment, the journal or the ``dev.ini``.

    Attributes:
        profile: A profile of the AWS configuration.
        endpoint_url: For all AWS services, such as a local cloud's.
        state_dir: Where journals and reports are; None for the user's state directory.
    """

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    state_dir: Path | None = None

    def clients(self) -> AwsClients:
        """The AWS clients of these options alone."""
        from otactl.aws.clients import AwsClients, AwsSettings

        return AwsClients(
            AwsSettings(profile=self.profile, region=self.region, endpoint_url=self.endpoint_url)
        )


#: No options: botocore's configuration and the environment decide.
HERE = LocationOptions()
