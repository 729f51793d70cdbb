"""Reads the targets of a request: from its item, from a file, from its thing list, from groups."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from otactl.aws.alarms import CloudWatchAlarms
from otactl.aws.clients import AwsClients
from otactl.aws.jobs import IotJobs
from otactl.aws.registry import IotRegistry
from otactl.aws.release_store import FileRefused, ReleaseStore
from otactl.errors import AwsRefused, AwsUnreachable, ConfigurationInvalid
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.target_set import DIGEST_BYTES, TargetSet
from otactl.model.arn import Arn, partition_of
from otactl.model.progress import AlarmProgress
from otactl.model.thing_list import parse_thing_list

#: A million ARNs of the usual length take 70 MB.
MAX_THING_LIST_BYTES = 128 * 1024 * 1024
_MAX_TARGETS_BYTES = 1_000_000 * DIGEST_BYTES
#: How long the members of a group are cached: a waiting worker reads them again and again.
_MEMBERS_SECONDS = 60.0
_MAX_CACHED = 2_000


class StoredTargetReader:
    """Reads the targets of requests (``jobqueue.ports.TargetReader``).

    Stored targets never change and are cached; the members of groups are cached for a minute.

    Args:
        store: The files of requests.
        clients_in: Creates the clients of a region.
    """

    def __init__(self, store: ReleaseStore, clients_in: Callable[[str | None], AwsClients]) -> None:
        self._store = store
        self._clients_in = clients_in
        self._cache: dict[tuple[str, str], tuple[TargetSet, float | None]] = {}
        self._registries: dict[str, IotRegistry] = {}

    def targets_of(self, request: JobRequest) -> TargetSet:
        """The request's targets; empty if its files are invalid."""
        targets = request.targets
        if targets is not None and targets.inline is not None and not targets.has_groups:
            try:
                return self._cached(request, lambda: TargetSet(targets.inline or b""))
            except ValueError:
                return TargetSet()
        try:
            return self._cached(request, lambda: self._read(request))
        except AwsUnreachable:
            raise
        except (FileRefused, ConfigurationInvalid, AwsRefused, ValueError):
            # A worker will claim it, find that it is invalid, and fail it with the reason.
            return TargetSet()

    def _cached(self, request: JobRequest, read: Callable[[], TargetSet]) -> TargetSet:
        name = (request.order_key, request.thing_list.key)
        cached = self._cache.get(name)
        if cached is not None and (cached[1] is None or time.monotonic() < cached[1]):
            return cached[0]
        found = read()
        lists_all = request.targets is not None and not request.targets.has_groups
        until = None if lists_all else time.monotonic() + _MEMBERS_SECONDS
        self._cache[name] = (found, until)
        while len(self._cache) > _MAX_CACHED:
            del self._cache[next(iter(self._cache))]
        return found

    def _read(self, request: JobRequest) -> TargetSet:
        targets = request.targets
        if targets is not None and targets.file is not None and not targets.has_groups:
            return TargetSet(
                self._store.read(request.bucket, targets.file, limit_bytes=_MAX_TARGETS_BYTES)
            )
        content = self._store.read(
            request.bucket, request.thing_list, limit_bytes=MAX_THING_LIST_BYTES
        )
        listed = parse_thing_list(
            content.decode("utf-8", errors="replace").splitlines(),
            file_name=request.thing_list.name,
        )
        return TargetSet.of(
            (
                *listed.things,
                *listed.groups,
                *(arn for group in listed.groups for arn in self.members(group)),
            )
        )

    def members(self, group_arn: str) -> Iterator[str]:
        """The ARNs of the things in a group.

        Raises:
            AwsRefused: The group does not exist.
        """
        arn = Arn.parse(group_arn)
        if arn.region not in self._registries:
            self._registries[arn.region] = IotRegistry(self._clients_in(arn.region))
        start = f"arn:{partition_of(arn.region)}:iot:{arn.region}:{arn.account}:thing/"
        for name in self._registries[arn.region].things_in_group(arn.resource_name):
            yield start + name


# Signing in again in another terminal changes files that a session has already read. So after a
# refusal a new session is created; it keeps the call counts.


class RenewableReader(IotJobs):
    """Jobs, and states of alarms (``monitor.ports.JobReader``, ``AlarmReader``)."""

    def renew(self) -> None:
        """Read the credentials again."""
        self._clients = self._clients.renewed()

    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm."""
        return CloudWatchAlarms(self._clients).states(names)
