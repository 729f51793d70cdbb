"""The image that a device runs, and its factory image."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from otactl.device.deal import deal, parse_versions
from otactl.model.thing_state import PACKAGE_SHADOW, VersionSource

#: Where devices report by default: the classic shadow, and the reserved shadow of the software
#: package catalog, with the image as the package ``firmware``.
DEFAULT_VERSION_SOURCES = (
    VersionSource(version_path=("version",), boot_count_path=("boots",)),
    VersionSource(shadow=PACKAGE_SHADOW, version_path=("firmware", "version")),
)


def version_sources(asked: VersionSource | None) -> tuple[VersionSource, ...]:
    """Where devices report: to the source from a file, and to the other default shadows."""
    if asked is None:
        return DEFAULT_VERSION_SOURCES
    others = (source for source in DEFAULT_VERSION_SOURCES if source.shadow != asked.shadow)
    return (asked, *others)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningImage:
    """What a device runs.

    Attributes:
        version: None if neither the image nor the job document has one.
        sha256: Of the bytes in its slot, lower-case hex; None for a factory image without bytes.
        boots: The number of boots, including the first one.
    """

    version: str | None
    sha256: str | None
    boots: int


@dataclass(frozen=True, kw_only=True)
class FactoryImage:
    """The first image of a device; many devices share one.

    Attributes:
        path: The file with its bytes, only read; None if they are not needed.
    """

    version: str
    path: Path | None = None

    @cached_property
    def sha256(self) -> str | None:
        """Of its bytes, lower-case hex; None without them.

        Raises:
            OSError: The file cannot be read.
        """
        return None if self.path is None else hashlib.sha256(self.path.read_bytes()).hexdigest()

    @cached_property
    def names(self) -> frozenset[str]:
        """Version and digest, by which the image is recognised when a job installs it again."""
        return frozenset(filter(None, (self.version, self.sha256)))


def deal_factory_images(
    things: Collection[str], versions: str, seed: int, paths: Mapping[str, Path] | None = None
) -> dict[str, FactoryImage]:
    """The factory image of each thing.

    Args:
        things: The thing names.
        versions: As ``parse_versions`` reads them.
        seed: Another seed gives another assignment.
        paths: The files of the versions whose bytes are needed.

    Raises:
        ValueError: ``versions`` cannot be read.
    """
    shares = parse_versions(versions)
    images = {
        version: FactoryImage(version=version, path=(paths or {}).get(version))
        for version in shares
    }
    # The seed differs from that of the behaviours, or versions and behaviours would correlate.
    dealt = deal(things, shares, f"version {seed}")
    return {name: images[version] for name, version in dealt.items()}
