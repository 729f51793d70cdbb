"""The fleet directory: the list of things, and each one's key, certificate and slots.

::

    DIR/manifest.json           group, policy, things, region and endpoint; no secrets
    DIR/things/NAME/key.pem     0600; created here, never leaves this machine
    DIR/things/NAME/…           certificate.pem, slots, saved work

The manifest is written before anything is created, so that ``fleet delete`` finds the resources of
a killed ``fleet create``.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from otactl.atomic_file import write_atomically
from otactl.errors import LocalResourceMissing, UserMistake
from otactl.model.identifier import is_thing_group_name, is_thing_name

_VERSION = 1
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetManifest:
    """The resources of a fleet.

    Attributes:
        fleet_id: Marks the things, groups and policy as this fleet's.
        policy_name: The IoT policy of every certificate.
        groups: Thing names by group name. A thing may be in several groups, or in none.
        things: All thing names, in the order of their creation.
        created_at_ms: When the creation began, epoch milliseconds of the cloud's clock.
        region: Their AWS region.
        endpoint_url: Of the local cloud; None for AWS.
    """

    fleet_id: str
    policy_name: str
    groups: dict[str, list[str]]
    things: list[str]
    created_at_ms: int
    region: str
    endpoint_url: str | None = None


@dataclass(frozen=True, slots=True)
class ThingFiles:
    """The files of one thing."""

    directory: Path

    @property
    def key_file(self) -> Path:
        """The private key, PEM."""
        return self.directory / "key.pem"

    @property
    def certificate_file(self) -> Path:
        """The certificate, PEM."""
        return self.directory / "certificate.pem"

    @property
    def certificate_arn_file(self) -> Path:
        """The certificate's ARN."""
        return self.directory / "certificate.arn"


class FleetDirectory:
    """A fleet on disk.

    Args:
        root: The directory; created on the first write.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def exists(self) -> bool:
        """Whether a fleet was created here and not deleted."""
        return (self.root / _MANIFEST).exists()

    def files_of(self, thing_name: str) -> ThingFiles:
        """The files of a thing.

        Raises:
            ValueError: It is not a valid thing name, and might be a path outside.
        """
        if not is_thing_name(thing_name):
            raise ValueError(f"{thing_name!r} is not a valid thing name")
        return ThingFiles(self.root / "things" / thing_name)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock the fleet: no other process can run or delete it meanwhile.

        Two processes with the same certificates would disconnect each other forever, and write
        into the same slots. The lock is on the directory itself and leaves no file behind.

        Raises:
            UserMistake: Another process holds it.
            LocalResourceMissing: The directory cannot be opened.
        """
        try:
            handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise LocalResourceMissing(f"cannot open {self.root}: {error.strerror}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise UserMistake(
                f"another process is at work on the fleet in {self.root}",
                hint="stop it first, or make another fleet with --dir and other names",
            ) from error
        try:
            yield
        finally:
            os.close(handle)

    def read(self) -> FleetManifest:
        """Read the manifest.

        Raises:
            UserMistake: There is no fleet here.
            LocalResourceMissing: The manifest cannot be read.
        """
        path = self.root / _MANIFEST
        try:
            return _manifest(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise UserMistake(
                f"there is no fleet in {self.root}", hint="`otactl fleet create` makes one"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise LocalResourceMissing(f"{path} cannot be read: {error}") from error

    def write(self, manifest: FleetManifest) -> None:
        """Write the manifest.

        Raises:
            LocalResourceMissing: It cannot be written here.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(
                self.root / _MANIFEST, json.dumps({"version": _VERSION, **asdict(manifest)})
            )
        except OSError as error:
            raise LocalResourceMissing(f"cannot write to {self.root}: {error.strerror}") from error

    def keep_certificate(self, thing_name: str, *, arn: str, pem: str) -> None:
        """Save a certificate from AWS, and its ARN."""
        files = self.files_of(thing_name)
        write_atomically(files.certificate_arn_file, arn)
        write_atomically(files.certificate_file, pem)

    def certificate_arn(self, thing_name: str) -> str | None:
        """The ARN of a thing's certificate; None if it was not created yet."""
        try:
            return self.files_of(thing_name).certificate_arn_file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return None

    def remove(self) -> None:
        """Remove the fleet from disk, the manifest last: a failed removal can be retried."""
        shutil.rmtree(self.root / "things", ignore_errors=True)
        (self.root / _MANIFEST).unlink(missing_ok=True)
        try:
            self.root.rmdir()
        except OSError:
            # The directory has other files of the user.
            return


def _manifest(fields: dict[str, Any]) -> FleetManifest:
    if fields.pop("version") != _VERSION:
        raise ValueError("it was written by another version of otactl")
    things, groups = fields["things"], fields["groups"]
    names = [*things, *(name for members in groups.values() for name in members)]
    if not all(isinstance(name, str) and is_thing_name(name) for name in names):
        raise ValueError("it contains an invalid thing name")
    if not all(is_thing_group_name(name) for name in groups):
        raise ValueError("it contains an invalid thing group name")
    return FleetManifest(**fields)
