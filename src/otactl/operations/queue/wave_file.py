"""What a plan decided about things, stored for the queue: their waves, and which are left out.

The worker that makes the plan decides once; later workers read it here.

One compressed file per request, written by that worker; the request's item has its digest. A
million names of 20 characters are 23 MB, compressed about 5 MB.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import BaseModel, ValidationError

from otactl.aws.release_store import FileRefused, ReleaseStore
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.stored_file import FileRole, StoredFile, release_key
from otactl.model.eligibility import LeftOut

if TYPE_CHECKING:
    from otactl.deploy.plan import Plan

K = TypeVar("K", bound=BaseModel)
#: A million names of the greatest length, 128 characters, with separators.
_MAX_BYTES = 256 * 1024 * 1024


class KeptWaves(BaseModel, frozen=True, extra="forbid"):
    """The plan's decisions and findings about things.

    Attributes:
        names: The names of the things of each wave.
        former: The version that each thing reported, if it was read; with eligibility, of exactly
            the things that get the image.
        left_out: Things that get no image, and why.
        recent: Things that AWS IoT saw lately, if these come first.
    """

    names: dict[str, tuple[str, ...]] = {}
    former: dict[str, str | None] = {}
    left_out: tuple[LeftOut, ...] = ()
    recent: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """From a new plan."""
        waves = zip(plan.waves, plan.wave_things, strict=True)
        choice = plan.choice
        return cls(
            names={wave.name: names for wave, names in waves},
            former=dict(choice.former) if choice else {},
            left_out=choice.left_out if choice else (),
            recent=tuple(sorted(choice.recent)) if choice else (),
        )


class KeptThings(BaseModel, frozen=True, extra="forbid"):
    """The things of one rollback.

    Attributes:
        names: The things that are rolled back.
        offline: Those of them that were not seen connected.
    """

    names: tuple[str, ...]
    offline: frozenset[str] = frozenset()


def write_kept(
    request: JobRequest,
    store: ReleaseStore,
    kept: KeptWaves | KeptThings,
    *,
    rollback: int | None = None,
) -> StoredFile:
    """Write them for later workers; the things of a rollback with its number."""
    name = f"{request.fence}" if rollback is None else f"{request.fence}-rb-{rollback}"
    content = gzip.compress(kept.model_dump_json().encode(), mtime=0)
    key = release_key(FileRole.WAVES, request.aws_job_id, f"{name}.json.gz")
    return store.write(request.bucket, key, content)


def read_waves(request: JobRequest, store: ReleaseStore) -> KeptWaves:
    """Read what ``write_kept`` wrote; empty if nothing was written.

    Raises:
        FileRefused: It cannot be used.
        AwsRefused: Reading it is not permitted.
    """
    if request.waves is None:
        return KeptWaves()
    return read_kept(request, store, request.waves, KeptWaves)


def read_kept(request: JobRequest, store: ReleaseStore, file: StoredFile, model: type[K]) -> K:
    """Read a file that ``write_kept`` wrote.

    Raises:
        FileRefused: It cannot be used.
    """
    start = release_key(FileRole.WAVES, request.aws_job_id, "")
    if not file.key.startswith(start) or file.sha256 is None:
        raise FileRefused(f"{file.key} does not hold the waves of {request.job_id}")
    content = store.read(request.bucket, file, limit_bytes=_MAX_BYTES)
    try:
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        text = unpacking.decompress(content, _MAX_BYTES)
        if not unpacking.eof:
            raise ValueError("it is cut short, or too large")
        return model.model_validate_json(text)
    except (zlib.error, ValidationError, ValueError) as error:
        raise FileRefused(f"{file.key} does not hold waves: {error}") from error
