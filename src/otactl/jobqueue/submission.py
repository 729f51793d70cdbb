"""The requests that the queue stores for a valid deployment. Pure.

The copy of the ``dev.ini`` in the queue names the queued files, and has its own job id and stream
id (the manual's ``submit``): a request can be deployed beside any other one. A thing list that is
split becomes a series: a request for each part, each after the one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otactl.jobqueue.order import Priority, job_id_of, new_stamp, order_key, stream_id_of
from otactl.jobqueue.request import Series
from otactl.model.ini import read_ini
from otactl.model.ini_edit import with_value
from otactl.model.rollback import RollbackImage

_DEFAULT = "DEFAULT"
#: Up to N targets of a request are stored in its item; more are stored in an S3 object.
MAX_INLINE_TARGETS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """When a request may be deployed, and how long it is kept.

    Attributes:
        after: Order keys of requests that must have succeeded.
        not_before_ms: Epoch milliseconds.
        required_succeeded, maximum_minutes: Of a series, when the next of it may go; as in
            ``JobRequest``.
    """

    priority: Priority = Priority.NORMAL
    not_before_ms: int | None = None
    after: tuple[str, ...] = ()
    keep_days: int | None = None
    required_succeeded: int | None = None
    maximum_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedPart:
    """One future request, before its files are stored.

    Attributes:
        targets: The ARNs of its part of the thing list.
    """

    order_key: str
    targets: tuple[str, ...]
    after: tuple[str, ...]
    series: Series | None

    @property
    def job_id(self) -> str:
        """The id it will have."""
        return job_id_of(self.order_key)


def plan_parts(
    targets: Sequence[str],
    options: RequestOptions,
    *,
    size: int | None,
    now_ms: int,
    random_bytes: Callable[[int], bytes],
) -> tuple[QueuedPart, ...]:
    """The requests for a thing list.

    Args:
        targets: Its targets.
        options: The options of all requests.
        size: The most targets of one request; None for a single request.
        now_ms: Epoch milliseconds.
        random_bytes: Returns N random bytes.
    """
    step = size or max(len(targets), 1)
    slices = [tuple(targets[start : start + step]) for start in range(0, len(targets), step)]
    # A millisecond apart, so that the parts are in order in the queue.
    keys = [
        order_key(new_stamp(now_ms + number, random_bytes(3)), options.priority)
        for number in range(len(slices))
    ]
    return tuple(
        QueuedPart(
            order_key=key,
            targets=part,
            after=options.after if number == 0 else (*options.after, keys[number - 1]),
            series=None
            if len(slices) == 1
            else Series(name=job_id_of(keys[0]), part=number + 1, parts=len(slices)),
        )
        for number, (key, part) in enumerate(zip(keys, slices, strict=True))
    )


def queued_configuration(
    text: str,
    part: QueuedPart,
    *,
    image: str,
    thing_list: str,
    document: str | None,
    excepted: str | None,
    former: Sequence[RollbackImage] = (),
) -> str:
    """The ``dev.ini`` of a request: the user's valid one with the names of the queued files.

    ``former`` are the images of former versions, each with the name of its queued file.
    """
    changes = [
        (_DEFAULT, "thingList", thing_list),
        (_DEFAULT, "jobId", part.job_id),
        (_DEFAULT, "streamId", stream_id_of(part.order_key)),
        (_DEFAULT, "binName", image),
    ]
    if document is not None:
        changes.append(("CUSTOM_JOB_DOCUMENT", "jobDocPath", document))
    if excepted is not None:
        changes.append(("WAVE_CONFIG", "exceptThings", excepted))
    if former:
        listed = ", ".join(f"{one.version}: {one.path} as {one.offered_as}" for one in former)
        changes.append(("ROLLBACK_CONFIG", "imageList", listed))
    ini = read_ini(text)
    for section, key, value in changes:
        ini = with_value(ini, section, key, value)
    return ini.text
