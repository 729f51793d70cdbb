"""What a custom job document says that cannot work in the deployment it is merged into.

Pure but for the private key, with which a signature in it is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from otactl.deploy.planner import image_description
from otactl.deploy.signing import is_signature_of
from otactl.model.firmware import Firmware
from otactl.wire.afr_ota import KEY, afr_ota_faults
from otactl.wire.custom_document import DocumentFault
from otactl.wire.placeholder import placeholder_faults

if TYPE_CHECKING:
    from otactl.model.configuration import DeploymentConfiguration


def document_faults(
    configuration: DeploymentConfiguration,
    document: Mapping[str, Any],
    text: str,
    measure: Callable[[], Firmware],
) -> Iterator[DocumentFault]:
    """Everything that contradicts the deployment.

    Args:
        configuration: The deployment.
        document: The custom document.
        text: As it stands in its file.
        measure: Measures the image; called only if the document describes it.
    """
    presigns = configuration.job.presigned_url is not None
    yield from placeholder_faults(document, text, presigns=presigns)
    if KEY not in document:
        return
    firmware, signing = measure(), configuration.signing
    is_signature = None
    if signing is not None:
        is_signature = partial(
            is_signature_of, sha256=firmware.sha256, key_path=signing.private_key_path
        )
    image = image_description(configuration, firmware, custom=document, signature=None)
    for message in afr_ota_faults(document, image, is_signature):
        yield DocumentFault(message, hint="FreeRTOS devices read it in place of otactl's own keys")
