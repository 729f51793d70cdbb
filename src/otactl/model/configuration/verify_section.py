"""[VERIFY_CONFIG]: where things report their version, and when it proves that the image runs."""

from __future__ import annotations

from typing import Annotated

from otactl.model import limits
from otactl.model.configuration.kind import WholeNumber
from otactl.model.configuration.section import Section, key
from otactl.model.configuration.words import IMAGE_VERSION, SHADOW, SHADOW_PATH


class VerifySection(Section):
    """[VERIFY_CONFIG]: read wherever the version that a thing reports is needed."""

    shadow: Annotated[str, SHADOW] = key(
        "source",
        about=(
            "The shadow in which things report their version: classic, or the name of a named "
            "shadow. $package proves nothing where AWS IoT Jobs itself writes it: `validate` warns."
        ),
        becomes="iot-data:GetThingShadow shadowName",
        default="classic",
    )
    version_path: Annotated[tuple[str, ...], SHADOW_PATH] = key(
        "versionPath",
        about="Where the version is below state.reported of that shadow.",
        becomes="the field of the shadow that is read, also in the fleet index",
        default=("version",),
    )
    expected_version: Annotated[str | None, IMAGE_VERSION] = key(
        "expectedVersion",
        about=(
            "The version that a thing reports when the new image runs. Left out, the imageVer of "
            "[IMAGE_CONFIG]; useVerifyConfig = True needs one of the two."
        ),
        example="1.2.0",
        default=None,
    )
    verify_minutes: Annotated[int, WholeNumber(limits.VERIFY_MINUTES, "minutes")] = key(
        "verifyMinutes",
        about=(
            "How long after SUCCEEDED a thing has to report. Until then its verdict is pending; "
            "what it reports at the end of that time counts."
        ),
        default=30,
    )
    dark_minutes: Annotated[int, WholeNumber(limits.DARK_MINUTES, "minutes")] = key(
        "darkMinutes",
        about=(
            "A thing that reported the new version is dark if it is not connected at two polls "
            "this many minutes apart, without a sign of life in between."
        ),
        default=10,
    )
    keep_alive_seconds: Annotated[int, WholeNumber(limits.KEEP_ALIVE_SECONDS, "seconds")] = key(
        "keepAliveSeconds",
        about=(
            "The MQTT keep alive of the things: AWS notices a lost connection after 1.5 times "
            "this. `otactl lint` compares it with verifyMinutes and soakMinutes."
        ),
        default=1200,
    )
    boot_count_path: Annotated[tuple[str, ...], SHADOW_PATH] = key(
        "bootCountPath",
        about=(
            "Where things report how often they booted, below state.reported of that shadow. Left "
            "out, no thing is found flapping."
        ),
        becomes="the field of the shadow that is read",
        example="None",
        default=(),
    )
    maximum_boots: Annotated[int, WholeNumber(limits.MAXIMUM_BOOTS)] = key(
        "maximumBoots",
        about="How often a thing may boot for the update; more is flapping.",
        default=2,
    )
