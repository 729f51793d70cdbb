"""Finds what in a custom job document cannot work in its deployment.

Pure, except that it reads the key to check a signature in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from otactl.deploy.planned_document import image_description, image_values
from otactl.deploy.signing import STAND_IN, is_signature_of, public_key_of
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.document_format import DataProtocol, DocumentFormat
from otactl.model.firmware import Firmware
from otactl.wire.afr_ota import KEY, SIGNATURE_KEY, afr_ota_faults, parse_afr_ota
from otactl.wire.custom_document import DocumentFault
from otactl.wire.error import WireError
from otactl.wire.job_document import OWN_URL_KEY, encode_document
from otactl.wire.placeholder import (
    fill_image_values,
    has_image_values,
    image_value_faults,
    placeholder_faults,
)


def document_faults(
    configuration: DeploymentConfiguration,
    document: Mapping[str, Any],
    text: str,
    measure: Callable[[], Firmware],
) -> Iterator[DocumentFault]:
    """Everything that contradicts the deployment.

    The image is measured only if the document describes it.
    """
    presigns = configuration.job.presigned_url is not None
    is_complete = has_image_values(document)
    own = {} if is_complete else _own_placeholders(configuration)
    yield from placeholder_faults(document, text, presigns=presigns, own=own)
    if is_complete:
        document, faults = _filled(configuration, document, text, measure())
        yield from faults
        if faults:
            return
    if KEY in document and KEY not in own:
        yield from _afr_ota_faults(configuration, document, measure())


def _own_placeholders(configuration: DeploymentConfiguration) -> dict[str, int]:
    """The keys that otactl merges in and that can have placeholders, with the number of these."""
    own = {}
    if configuration.job.presigned_url is not None and (
        DocumentFormat.OTACTL in configuration.document_formats
    ):
        own[OWN_URL_KEY] = 1
    if configuration.afr_ota is not None:
        own[KEY] = int(DataProtocol.HTTP in configuration.afr_ota.protocols)
    return own


def _filled(
    configuration: DeploymentConfiguration,
    document: Mapping[str, Any],
    text: str,
    firmware: Firmware,
) -> tuple[Mapping[str, Any], list[DocumentFault]]:
    """A document with its placeholders filled, and what is wrong with it."""
    signature = None if configuration.signing is None else STAND_IN
    values = image_values(configuration, firmware, signature=signature)
    faults = list(image_value_faults(document, text, values))
    if configuration.afr_ota is not None:
        faults.append(
            DocumentFault(
                "has placeholders, so nothing is merged in, and documentFormat says afr_ota",
                hint="write the afr_ota object into the document, or leave documentFormat out",
            )
        )
    if faults:
        return document, faults
    filled = fill_image_values(document, values)
    try:
        encoded = encode_document(filled)
    except WireError as error:
        return filled, [DocumentFault(f"is too long with its placeholders filled: {error}")]
    if values["signature"] is not None and str(values["signature"]) not in encoded:
        faults = [
            DocumentFault(
                "has no ${otactl:signature}, and useSigningConfig = True",
                hint="put it where the devices look for it, or switch signing off",
            )
        ]
    return filled, faults


def _afr_ota_faults(
    configuration: DeploymentConfiguration, document: Mapping[str, Any], firmware: Firmware
) -> Iterator[DocumentFault]:
    key_path = None if configuration.signing is None else configuration.signing.key_path

    def is_signature(found: bytes) -> bool:
        return found == STAND_IN or (
            key_path is not None
            and is_signature_of(found, firmware.sha256, public_key_of(key_path))
        )

    image = image_description(configuration, firmware, custom=document, signature=None)
    hint = "FreeRTOS devices read it in place of otactl's own keys"
    faults = list(afr_ota_faults(document, image, None if key_path is None else is_signature))
    for message in faults:
        yield DocumentFault(message, hint=hint)
    try:
        # Contradictions with the plan were just reported.
        _ = None if faults else parse_afr_ota({KEY: _with_signature(document[KEY])})
    except WireError as error:
        yield DocumentFault(f"has an {KEY} that the agents refuse: {error}", hint=hint)


def _with_signature(update: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with its signature under the one name that all agents accept.

    The older agent is built for one of several algorithms, such as ``sig-sha256-rsa``.
    """
    file = update["files"][0]
    signatures = [text for key, text in file.items() if key.startswith("sig-")]
    return {**update, "files": [{**file, SIGNATURE_KEY: signatures[0]} if signatures else file]}
