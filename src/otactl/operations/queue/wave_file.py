"""What a plan decided of things, as the queue keeps it: who is in which wave, and who is left out.

Decided once, by the worker that makes the plan; no later one asks again.

One compressed file for a request, written by the worker that made the plan; the request's item has
its digest. A million names of 20 characters are 23 MB, compressed about five.
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
#: A million names of the greatest length, 128 characters, and what stands between them.
_MAX_BYTES = 256 * 1024 * 1024


class KeptWaves(BaseModel, frozen=True, extra="forbid"):
    """What was decided and found out of things at the plan.

    Attributes:
        names: The names of the things of each wave.
        former: What things reported as their version, where that was asked; with eligibility, of
            exactly the things that get the image.
        left_out: Who gets no image, and why.
        recent: Things that AWS IoT saw lately, where these come first.
    """

    names: dict[str, tuple[str, ...]] = {}
    former: dict[str, str | None] = {}
    left_out: tuple[LeftOut, ...] = ()
    recent: tuple[str, ...] = ()

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """Of a plan that was just made."""
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
        names: Who is taken back.
        offline: Those of them that nothing showed to be connected.
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
    """Keep them for the workers to come; the things of a rollback with its number."""
    name = f"{request.fence}" if rollback is None else f"{request.fence}-rb-{rollback}"
    content = gzip.compress(kept.model_dump_json().encode(), mtime=0)
    key = release_key(FileRole.WAVES, request.aws_job_id, f"{name}.json.gz")
    return store.write(request.bucket, key, content)


def read_waves(request: JobRequest, store: ReleaseStore) -> KeptWaves:
    """What ``write_kept`` kept; none when there was nothing to keep.

    Raises:
        FileRefused: It cannot be used.
        AwsRefused: It may not be read.
    """
    if request.waves is None:
        return KeptWaves()
    return read_kept(request, store, request.waves, KeptWaves)


def read_kept(request: JobRequest, store: ReleaseStore, file: StoredFile, model: type[K]) -> K:
    """What ``write_kept`` kept in a file.

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
