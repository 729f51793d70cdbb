"""Which devices a job document is written for, and the settings only the user knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DocumentFormat(StrEnum):
    """The dialects that otactl writes; their fields are in docs/documents.md."""

    OTACTL = "otactl"
    AFR_OTA = "afr_ota"


class DataProtocol(StrEnum):
    """How a FreeRTOS OTA agent fetches the image, spelt as its parsers compare it."""

    MQTT = "MQTT"
    HTTP = "HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class AfrOta:
    """What an ``afr_ota`` document says besides the image.

    Attributes:
        file_path: Where the device stores the image.
        certificate_name: The device's name for the certificate that verifies the signature.
        protocols: In the order of preference; AWS's Jobs library reads only the first.
    """

    file_path: str
    certificate_name: str
    file_type: int = 0
    protocols: tuple[DataProtocol, ...] = (DataProtocol.MQTT,)
