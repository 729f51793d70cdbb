"""Reads a ``dev.ini`` and every file it names, and reports all their problems at once.

These files are not trusted: reading is bounded, and nothing is created, called or changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from otactl.errors import ConfigurationInvalid
from otactl.errors.problem import Problem, Severity
from otactl.model.arn import Arn
from otactl.model.configuration import (
    DeploymentConfiguration,
    LoadedConfiguration,
    check_value,
    parse_configuration,
    with_overrides,
)
from otactl.model.configuration.refusal import is_unset
from otactl.model.ini import IniDocument, read_ini
from otactl.model.limits import MAX_CONFIGURATION_LENGTH
from otactl.model.thing_list import ThingList
from otactl.operations.named_files import (
    check_image,
    check_private_key,
    read_document,
    read_thing_list,
    same_as_new,
)
from otactl.operations.text_file import read_named_text
from otactl.wire.custom_document import DocumentFault


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedDeployment:
    """A deployment with all its files, all valid.

    Attributes:
        thing_list: The targets.
        custom_document: The local custom job document; None if not used, or if it is in S3.
        warnings: Warnings and notes to show to the user.
        ini: The ``dev.ini`` as it was read.
        excepted: The names of the things that are in no wave (``exceptThings``).
    """

    configuration: DeploymentConfiguration
    thing_list: ThingList
    custom_document: Mapping[str, Any] | None
    warnings: tuple[Problem, ...]
    ini: IniDocument
    excepted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found in a deployment's files.

    Attributes:
        problems: All problems, file by file, in the order of their lines.
        deployment: None if one of the problems is an error.
    """

    problems: tuple[Problem, ...]
    deployment: LoadedDeployment | None


def load_deployment(
    path: str | Path,
    *,
    overrides: Mapping[str, str] | None = None,
    make_thing_list: Callable[[DeploymentConfiguration], ThingList] | None = None,
    now_ms: int | None = None,
    accept: Callable[[DeploymentConfiguration], None] | None = None,
) -> LoadedDeployment:
    """Read a deployment.

    Args:
        path: The ``dev.ini``. The files it names are relative to its folder.
        overrides: Values in place of the file's, by ``key`` of [DEFAULT] or ``SECTION.key``.
        make_thing_list: Makes the targets in place of the list the file names, which is then
            not read.
        now_ms: A schedule must begin after this time, epoch milliseconds; None for now.
        accept: Raises if the ``dev.ini`` names what it may not, by the paths written there,
            before any of these files is opened; called only if the ``dev.ini`` is valid.

    Raises:
        ConfigurationInvalid: A file is invalid; the error has every problem of every file.
        LocalResourceMissing: The ``dev.ini`` itself cannot be read.
    """
    found = examine_deployment(
        Path(path),
        overrides=overrides,
        make_thing_list=make_thing_list,
        now_ms=now_ms,
        accept=accept,
    )
    if found.deployment is None:
        raise ConfigurationInvalid(found.problems)
    return found.deployment


def examine_deployment(
    path: Path,
    *,
    overrides: Mapping[str, str] | None = None,
    make_thing_list: Callable[[DeploymentConfiguration], ThingList] | None = None,
    now_ms: int | None = None,
    accept: Callable[[DeploymentConfiguration], None] | None = None,
) -> Examination:
    """Check a deployment's files and return every problem. Arguments as ``load_deployment``.

    Raises:
        LocalResourceMissing: The ``dev.ini`` itself cannot be read.
    """
    hint = None if path.exists() else "`otactl init` makes one"
    text = read_named_text(path, "configuration", limit=MAX_CONFIGURATION_LENGTH, hint=hint)
    examiner = _Examiner(path, text, overrides or {})
    loaded = examiner.parse(now_ms, accept)
    examiner.check_files(reads_thing_list=make_thing_list is None, is_foreign=accept is not None)
    thing_list = examiner.thing_list
    if loaded is not None and make_thing_list is not None:
        thing_list = make_thing_list(loaded.configuration)
    problems, deployment = tuple(examiner.problems), None
    has_errors = any(problem.severity is Severity.ERROR for problem in problems)
    if loaded is not None and thing_list is not None and not has_errors:
        deployment = LoadedDeployment(
            configuration=loaded.configuration,
            thing_list=thing_list,
            custom_document=examiner.custom_document,
            warnings=problems,
            ini=loaded.ini,
            excepted=examiner.excepted,
        )
    return Examination(problems=problems, deployment=deployment)


def read_configuration(path: Path) -> LoadedConfiguration:
    """Read a ``dev.ini`` alone: not the files it names, and its schedule may be in the past.

    Raises:
        ConfigurationInvalid: It is invalid.
        LocalResourceMissing: It cannot be read.
    """
    text = read_named_text(path, "configuration", limit=MAX_CONFIGURATION_LENGTH)
    return parse_configuration(text, file_name=str(path), base_dir=str(path.parent))


class _Examiner:
    """Checks one file after the other and collects problems and contents."""

    def __init__(self, path: Path, text: str, overrides: Mapping[str, str]) -> None:
        self._path = path
        self._text = text
        self._overrides = overrides
        self.problems: list[Problem] = []
        self.thing_list: ThingList | None = None
        self.custom_document: dict[str, Any] | None = None
        self.excepted: frozenset[str] = frozenset()
        self._configuration: DeploymentConfiguration | None = None
        self._ini: IniDocument | None = None

    def parse(
        self, now_ms: int | None, accept: Callable[[DeploymentConfiguration], None] | None
    ) -> LoadedConfiguration | None:
        """Read the ``dev.ini`` itself."""
        try:
            loaded = parse_configuration(
                self._text,
                file_name=str(self._path),
                overrides=self._overrides,
                now_ms=time.time_ns() // 1_000_000 if now_ms is None else now_ms,
            )
        except ConfigurationInvalid as error:
            if accept is not None:
                named = [replace(problem, file=self._path.name) for problem in error.problems]
                raise ConfigurationInvalid(named) from error
            self.problems += error.problems
            return None
        if accept is not None:
            accept(loaded.configuration)
        self._ini = loaded.ini
        self._configuration = loaded.configuration.based_at(str(self._path.parent))
        self.problems += loaded.warnings
        return replace(loaded, configuration=self._configuration)

    def check_files(self, *, reads_thing_list: bool, is_foreign: bool) -> None:
        """Check the files it names; of an invalid ``dev.ini`` those whose keys are valid.

        Of a foreign one, which another user wrote, only those that the deployment needs.
        """
        ini = self._ini or read_ini(self._text)
        named = _NamedFiles(self._path, with_overrides(ini, self._overrides))
        image = named.get("DEFAULT", "binName")
        if image is not None:
            self.problems += check_image(*image, streamed=named.is_streamed)
        self._check_former_images(named, is_foreign=is_foreign)
        key = named.get("SIGNING_CONFIG", "privateKeyPath")
        if key is not None and named.is_on("useSigningConfig") and named.signs_with_a_file:
            self.problems += check_private_key(*key)
        document = named.get("CUSTOM_JOB_DOCUMENT", "jobDocPath")
        if document is not None and named.uses_local_document:
            self.custom_document, problems = read_document(*document, self._document_faults)
            self.problems += problems
        listed = named.get("DEFAULT", "thingList")
        if listed is not None and reads_thing_list:
            self.thing_list, problems = named.read_thing_list(*listed)
            self.problems += problems
        excepted = named.get("WAVE_CONFIG", "exceptThings")
        if excepted is not None and named.is_on("useWaveConfig"):
            self._read_excepted(*excepted, named)

    def _check_former_images(self, named: _NamedFiles, *, is_foreign: bool) -> None:
        """Check the images of [ROLLBACK_CONFIG]; required now only if a gate rolls back."""
        configuration, listed = self._configuration, named.get("ROLLBACK_CONFIG", "imageList")
        if configuration is None or listed is None:
            return
        waves = configuration.waves
        is_needed = waves is not None and waves.rolls_back
        if is_foreign and not is_needed:
            return
        self.problems += [
            problem if is_needed else replace(problem, severity=Severity.WARNING)
            for image in configuration.rollback.images
            for problem in check_image(Path(image.path), listed[1], streamed=named.is_streamed)
        ]
        self.problems += [
            replace(listed[1], severity=Severity.WARNING, code="same-image", message=message)
            for image in configuration.rollback.images
            for message in same_as_new(
                image, Path(configuration.image), configuration.reported_version
            )
        ]

    def _read_excepted(self, path: Path, location: Problem, named: _NamedFiles) -> None:
        found, problems = named.read_thing_list(path, location)
        self.problems += problems
        if found is None:
            return
        self.excepted = frozenset(Arn.parse(arn).resource_name for arn in found.things)
        self.problems += [
            Problem(
                file=str(path),
                line=found.line_of(group),
                code="target",
                message=f"{group} is a thing group; exceptThings lists things",
            )
            for group in found.groups
        ]

    def _document_faults(self, document: dict[str, Any], text: str) -> Iterator[DocumentFault]:
        """The document's contradictions to the deployment; none if other files have errors."""
        configuration = self._configuration
        if configuration is None or any(p.severity is Severity.ERROR for p in self.problems):
            return
        from otactl.deploy.document_check import document_faults
        from otactl.deploy.image_file import measure_image

        yield from document_faults(
            configuration,
            document,
            text,
            lambda: measure_image(configuration.image, piece_bytes=configuration.chunk_size_bytes),
        )


class _NamedFiles:
    """The files a ``dev.ini`` names, even if other keys are invalid."""

    def __init__(self, path: Path, ini: IniDocument) -> None:
        self._path = path
        self._ini = ini

    def _valid(self, section: str, key: str) -> str | None:
        entry = self._ini.get(section, key)
        if entry is None or is_unset(entry.value) or check_value(section, key, entry.value):
            return None
        return entry.value

    def get(self, section: str, key: str) -> tuple[Path, Problem] | None:
        """The file's path, and a problem that locates the key that names it."""
        entry = self._ini.get(section, key)
        if entry is None or self._valid(section, key) is None:
            return None
        location = Problem(
            file=str(self._path), line=entry.line, section=section, key=key, message=""
        )
        return self._path.parent / entry.value, location

    def is_on(self, switch: str) -> bool:
        return (self._valid("DEFAULT", switch) or "").lower() in ("true", "yes", "on", "1")

    @property
    def signs_with_a_file(self) -> bool:
        return self._valid("SIGNING_CONFIG", "source") in (None, "key")

    @property
    def is_streamed(self) -> bool:
        return not self.is_on("usePresignedUrlConfig")

    @property
    def uses_local_document(self) -> bool:
        source = self._valid("CUSTOM_JOB_DOCUMENT", "jobDocSrcCfg")
        return self.is_on("useCustomJobDocument") and source == "local_file"

    def read_thing_list(
        self, path: Path, location: Problem
    ) -> tuple[ThingList | None, list[Problem]]:
        """A thing list; its targets are in the region, and in the account of the role."""
        role = self._valid("DEFAULT", "roleArn")
        account = None if role is None else role.split(":")[4]
        region = self._valid("DEFAULT", "region")
        return read_thing_list(path, location, region=region, account=account)
