"""The record of what a live check will create, written before anything is created.

::

    STATE/live/RUN/record.json    account and bucket; every name follows from RUN
    STATE/live/RUN/fleet/         the thing's key and certificate, as of every fleet

All names are made from the run's id, so that the record names everything that a killed process may
leave. The folder is locked while a process works on it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from otactl.errors import UserMistake
from otactl.model.arn import thing_arn
from otactl.operations.text_file import write_atomically

MOST_JOBS = 6
_STREAMS = 3
_OBJECTS = ("small.bin", "large.bin", "document.json")
_FILE = "record.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """One live check.

    Attributes:
        run_id: Twelve hex digits; every name has it.
        endpoint_url: Of a local cloud; None for AWS.
    """

    run_id: str
    account: str
    region: str
    bucket: str
    endpoint_url: str | None

    @property
    def name(self) -> str:
        """The name of the thing, and the prefix of every other name."""
        return f"otactl-live-{self.run_id}"

    @property
    def thing_arn(self) -> str:
        """The ARN of the thing."""
        return str(thing_arn(self.region, self.account, self.name))

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The ids of the jobs, in the order in which they are created."""
        return tuple(f"{self.name}-{number}" for number in range(1, MOST_JOBS + 1))

    @property
    def stream_ids(self) -> tuple[str, ...]:
        """The ids of the streams."""
        return tuple(f"{self.name}_{number}" for number in range(_STREAMS))

    @property
    def object_keys(self) -> tuple[str, ...]:
        """The keys of two images and a job document, under the prefix that roles may read."""
        return tuple(f"firmware/{self.name}/{name}" for name in _OBJECTS)

    @property
    def location(self) -> tuple[str, str, str | None]:
        """Where everything is: account, region, endpoint."""
        return self.account, self.region, self.endpoint_url


def write_record(folder: Path, record: LiveRecord) -> None:
    """Write a record atomically.

    Raises:
        LocalResourceMissing: It cannot be written; nothing may be created then.
    """
    write_atomically(folder / _FILE, json.dumps(asdict(record)), is_private=True)


def read_record(folder: Path) -> LiveRecord:
    """Read a record.

    Raises:
        UserMistake: It is damaged.
    """
    path = folder / _FILE
    try:
        record = LiveRecord(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserMistake(
            f"{path} cannot be read: {error}",
            hint="look for things, jobs and streams named otactl-live-* in the account, then"
            f" delete {folder}",
        ) from error
    if record.run_id != folder.name or not record.run_id.isalnum():
        raise UserMistake(f"{path} is of another run", hint=f"delete {folder}")
    return record


def folders_of(state_dir: Path) -> Iterator[Path]:
    """The folders of runs that are running or were killed."""
    return iter(sorted(path.parent for path in (state_dir / "live").glob(f"*/{_FILE}")))
