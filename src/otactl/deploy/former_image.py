"""The images that things can be rolled back to, found by the version that things report.

``[ROLLBACK_CONFIG]`` comes first; then the images that the journals of this machine deployed, the
newest first. An image of a journal counts if it is in the bucket, or if its file is unchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from otactl.deploy.image_file import measure_image
from otactl.deploy.journal import Journal
from otactl.deploy.ports import ObjectStore
from otactl.deploy.step import UploadImage
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.arn import Arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.firmware import Firmware
from otactl.model.quoting import first_names
from otactl.model.rollback import WithoutFormerImage
from otactl.model.wave import Wave

_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerImage:
    """The image of a former version.

    Attributes:
        version: As things report it.
        offered_as: What the job document calls it.
    """

    version: str
    firmware: Firmware
    offered_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRollback:
    """The image and the waves of a rollback.

    Attributes:
        deployment_id: Of the deployment that is rolled back.
    """

    deployment_id: str
    image: FormerImage
    dealt: tuple[tuple[Wave, tuple[str, ...]], ...]


def find_former_images(
    versions: Collection[str],
    configuration: DeploymentConfiguration,
    journals: Iterable[Journal],
    objects: ObjectStore | None,
) -> dict[str, FormerImage]:
    """An image for each version that has one.

    Journals, the newest first, are read only while a version lacks its image. If ``objects`` is
    None, only files count.

    Raises:
        LocalResourceMissing: A file of [ROLLBACK_CONFIG] cannot be read.
    """
    found: dict[str, FormerImage] = {}
    for listed in configuration.rollback.images:
        if listed.version in versions:
            found[listed.version] = FormerImage(
                version=listed.version,
                firmware=_listed(listed.path, configuration),
                offered_as=listed.offered_as,
            )
    missing = set(versions) - found.keys()
    account = Arn.parse(configuration.role_arn).account
    for journal in journals if missing else ():
        if (journal.plan.region, journal.plan.account) != (configuration.region, account):
            continue
        for image in _images(journal):
            if image.version in missing and _is_usable(image, configuration, objects):
                found[image.version] = image
                missing.discard(image.version)
        if not missing:
            break
    return found


def images_to_roll_back(
    versions: Mapping[str, str | None],
    configuration: DeploymentConfiguration,
    journals: Iterable[Journal],
    objects: ObjectStore | None,
) -> tuple[FormerImage, ...]:
    """The images a deployment claims before its first job; none unless its gates roll back.

    ``versions`` are what its things report, by name; None if a thing reports no version.

    Raises:
        UserMistake: A version has no image, and withoutFormerImage = refuse.
    """
    if configuration.waves is None or not configuration.waves.rolls_back:
        return ()
    counts = Counter(versions.values())
    # A thing that runs the image already has nothing to go back to.
    counts.pop(configuration.reported_version, None)
    unknown = counts.pop(None, 0)
    wanted = {version: count for version, count in counts.items() if version is not None}
    found = find_former_images(wanted, configuration, journals, objects)
    if configuration.rollback.without_image is WithoutFormerImage.REFUSE:
        for version, count in wanted.items():
            if version not in found:
                raise no_image(version, count, configuration.file_name)
        if unknown:
            names = sorted(name for name, version in versions.items() if version is None)
            raise UserMistake(
                f"{configuration.file_name}: {unknown:,} things report no version, so they could"
                f" not be rolled back: {first_names(names, _NAMED)}",
                hint="see [VERIFY_CONFIG], or write withoutFormerImage = stop in [ROLLBACK_CONFIG]"
                " to leave such things as they are",
            )
    return tuple(found[version] for version in sorted(found))


def no_image(version: str, things: int, file_name: str) -> UserMistake:
    """The error if a former version has no image."""
    return UserMistake(
        f"{file_name}: no image of version {version}, which {things:,} things had before",
        hint="name its file in imageList of [ROLLBACK_CONFIG], or write withoutFormerImage = stop"
        " there to leave such things as they are",
    )


def images_of_plan(journal: Journal) -> dict[str, FormerImage]:
    """The former images that a deployment claimed before its first job."""
    return {image.version: image for image in _images(journal, former=True)}


def _listed(path: str, configuration: DeploymentConfiguration) -> Firmware:
    try:
        return measure_image(path, piece_bytes=configuration.chunk_size_bytes)
    except (LocalResourceMissing, UserMistake) as error:
        raise type(error)(
            str(error),
            hint=f"correct imageList in [ROLLBACK_CONFIG] of {configuration.file_name}",
        ) from error


def _images(journal: Journal, *, former: bool = False) -> Iterable[FormerImage]:
    plan = journal.plan
    for step in plan.setup:
        if not isinstance(step, UploadImage) or (former and not step.former):
            continue
        version = step.former or plan.image_version
        if version:
            yield FormerImage(
                version=version,
                firmware=Firmware(
                    path=step.path,
                    name=step.object_key.rpartition("/")[2],
                    size_bytes=step.size_bytes,
                    md5=step.md5,
                    sha256=step.sha256,
                ),
                offered_as=step.offered_as or version,
            )


def _is_usable(
    image: FormerImage, configuration: DeploymentConfiguration, objects: ObjectStore | None
) -> bool:
    firmware = image.firmware
    # Journals written before rollbacks existed lack the MD5, which the document needs.
    is_stored = objects is not None and objects.find(configuration.bucket, firmware.object_key)
    if firmware.md5 and is_stored:
        return True
    if not Path(firmware.path).is_file():
        return False
    measured = measure_image(firmware.path, piece_bytes=configuration.chunk_size_bytes)
    return measured.sha256 == firmware.sha256 and bool(firmware.md5)
