"""One deployment as a ``dev.ini`` describes it: typed, checked, and complete."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from otactl.errors import UserMistake
from otactl.model.alarm import Alarm
from otactl.model.arn import Arn
from otactl.model.configuration.deployment_section import DocumentSource
from otactl.model.defaults import DEFAULT_UPLOAD_CONCURRENCY
from otactl.model.document_format import AfrOta, DocumentFormat
from otactl.model.eligibility import Eligibility
from otactl.model.firmware import Signing
from otactl.model.job_configuration import JobConfiguration
from otactl.model.rollback import Rollback
from otactl.model.thing_state import VersionSource
from otactl.model.verify import VerifyRule
from otactl.model.wave import Waves

#: For a job without an in-progress timeout.
_ABORT_WAIT_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomDocument:
    """The user's own job document; exactly one of path and url is set, as the source says."""

    source: DocumentSource
    path: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentConfiguration:
    """All settings of a deployment. Paths are resolved against the file's folder.

    Attributes:
        file_name: The ``dev.ini`` it was read from, as the user gave it.
        thing_list: The path of the thing list.
        image: The path of the firmware image.
        role_arn: The role of the stream.
        clean_up: Whether everything created is deleted at the end.
        configured_abort_wait_minutes: The file's value; ``abort_wait_minutes`` is the one to use.
        debug: Whether a detailed log goes to a file.
        default_delay_seconds: Between two rounds.
        api_sleep_ms: Between two calls of the AWS IoT API.
        chunk_size_bytes: How much of the image is read at a time.
        document_formats: Which devices the job document is written for.
        afr_ota: None unless it is written for FreeRTOS OTA agents.
        include_sha256: Whether the job document carries the image's SHA-256.
        max_attempts: The most attempts of a call, the first included.
        waves: None for one job for all things.
        eligibility: None if every listed thing gets the image.
        version_source: Where things report their version; None if it is not needed.
        expected_version: The version they report when the new image runs, if the file says it.
        verify: None if the version of things is not verified.
        rollback: Which images bring former versions back.
        waivers: Why a finding of the linter is accepted, by its code.
    """

    file_name: str
    thing_list: str
    image: str
    role_arn: str
    job_id: str
    rounds: int
    bucket: str
    clean_up: bool
    debug: bool
    default_delay_seconds: int
    region: str
    stream_id: str
    api_sleep_ms: int
    chunk_size_bytes: int
    configured_abort_wait_minutes: int | None = None
    image_version: str | None = None
    include_sha256: bool = False
    signing: Signing | None = None
    custom_document: CustomDocument | None = None
    document_formats: tuple[DocumentFormat, ...] = (DocumentFormat.OTACTL,)
    afr_ota: AfrOta | None = None
    job: JobConfiguration = field(default_factory=JobConfiguration)
    alarms: tuple[Alarm, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    upload_concurrency: int = DEFAULT_UPLOAD_CONCURRENCY
    max_attempts: int = 8
    waivers: Mapping[str, str] = field(default_factory=dict)
    waves: Waves | None = None
    eligibility: Eligibility | None = None
    version_source: VersionSource | None = None
    expected_version: str | None = None
    verify: VerifyRule | None = None
    rollback: Rollback = field(default_factory=Rollback)

    def based_at(self, folder: str) -> DeploymentConfiguration:
        """A copy whose paths, relative as in the file, are resolved against a folder."""

        def at(path: str) -> str:
            return os.path.join(folder, path)  # noqa: PTH118  # a text, no file

        changes: dict[str, Any] = {"thing_list": at(self.thing_list), "image": at(self.image)}
        if self.signing is not None and self.signing.private_key_path:
            path = at(self.signing.private_key_path)
            changes["signing"] = replace(self.signing, private_key_path=path)
        if self.custom_document is not None and self.custom_document.path is not None:
            path = at(self.custom_document.path)
            changes["custom_document"] = replace(self.custom_document, path=path)
        if self.waves is not None and self.waves.excepted_things:
            changes["waves"] = replace(self.waves, excepted_things=at(self.waves.excepted_things))
        images = tuple(replace(one, path=at(one.path)) for one in self.rollback.images)
        return replace(self, rollback=replace(self.rollback, images=images), **changes)

    @property
    def reported_version(self) -> str | None:
        """The version that a thing with the image reports; None if the file does not say."""
        return self.expected_version or self.image_version

    @property
    def abort_wait_minutes(self) -> int:
        """How long things in progress are waited for once the job was stopped."""
        if self.configured_abort_wait_minutes is not None:
            return self.configured_abort_wait_minutes
        if not self.clean_up:
            return 0
        return self.job.in_progress_timeout_minutes or _ABORT_WAIT_MINUTES

    def refuse_waves(self, doing: str) -> None:
        """Refuse a file with waves where they would be ignored.

        Raises:
            UserMistake: It has waves.
        """
        if self.waves is not None:
            raise UserMistake(
                f"{self.file_name}: {doing} does not support waves yet (useWaveConfig = True)",
                hint="use a file with useWaveConfig = False for this",
            )

    @property
    def account(self) -> str:
        """The account of the role, in which everything else must be too."""
        return Arn.parse(self.role_arn).account

    def stream_name(self, file_id: int) -> str:
        """The stream's name in AWS: as in the manual, ``_`` and the file's id are added."""
        return f"{self.stream_id}_{file_id}"
