"""The ports of a deployment, as Protocols; ``aws`` implements them with boto3.

Every method raises ``errors.AwsRefused`` when AWS refuses, and ``errors.AwsUnreachable`` when no
answer came within the retry budget. Deleting what does not exist is not an error: clean-up may be
repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from otactl.deploy.consent import EndsJobs
from otactl.model.alarm import Alarm
from otactl.model.clock import Clock
from otactl.model.defaults import DEFAULT_POLL_SECONDS
from otactl.model.firmware import Signing
from otactl.model.job_configuration import JobConfiguration
from otactl.model.outcome import ThingOutcome
from otactl.model.progress import AlarmProgress
from otactl.model.snapshot import JobSnapshot
from otactl.model.status import ExecutionStatus
from otactl.model.thing_state import ThingState, VersionSource

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in S3.

    Attributes:
        version_id: None in a bucket without versioning.
        sha256: Lower-case hex as S3 or its metadata has it; None if neither has it.
        created: Whether the call that returned this created it.
        metadata: The user metadata it was stored with.
    """

    bucket: str
    key: str
    size_bytes: int
    sha256: str | None = None
    version_id: str | None = None
    created: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


class ObjectStore(Protocol):
    """Amazon S3."""

    def check_bucket(self, bucket: str, *, owner: str, region: str) -> None:
        """Refuse a bucket that is missing, in another region or another account's.

        Raises:
            UserMistake: It is one of these; the message says which.
        """

    def find(self, bucket: str, key: str) -> StoredObject | None:
        """The object, or None if it is not found."""

    def put_file(
        self, bucket: str, key: str, path: str, *, sha256: str, metadata: Mapping[str, str]
    ) -> StoredObject:
        """Store a file under a key that is named by its content.

        An existing object is left as it is; ``created`` says which was the case.

        Raises:
            UserMistake: The file no longer has this digest.
        """

    def put_text(self, bucket: str, key: str, text: str) -> None:
        """Store a small text under a key that nothing else uses."""

    def claim(self, bucket: str, key: str, claimant: str) -> None:
        """Mark an object as used by a deployment, so that no other one deletes it."""

    def release(self, bucket: str, key: str, claimant: str) -> frozenset[str]:
        """Remove a claim. Returns the deployments that still claim the object."""

    def claimants(self, bucket: str, key: str) -> frozenset[str]:
        """The deployments that claim an object."""

    def read_text(self, bucket: str, key: str, *, limit_bytes: int) -> str:
        """Read a small UTF-8 object.

        Raises:
            UserMistake: It is larger than the limit, or not UTF-8.
        """

    def delete(self, bucket: str, key: str, version_id: str | None) -> None:
        """Delete an object; in a versioned bucket, only that version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """The arguments of CreateStream."""

    stream_id: str
    file_id: int
    bucket: str
    key: str
    version_id: str | None
    role_arn: str
    description: str
    tags: Mapping[str, str] = field(default_factory=dict)


class Streams(Protocol):
    """MQTT file streams."""

    def create(self, request: StreamRequest) -> None:
        """Create a stream."""

    def description(self, stream_id: str) -> str | None:
        """The description of a stream, or None if it is not found."""

    def delete(self, stream_id: str) -> None:
        """Delete a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateJobRequest:
    """The arguments of CreateJob."""

    job_id: str
    targets: tuple[str, ...]
    document: str
    description: str
    configuration: JobConfiguration
    tags: Mapping[str, str] = field(default_factory=dict)


class Jobs(EndsJobs, Protocol):
    """IoT Jobs, control plane."""

    def create(self, request: CreateJobRequest) -> None:
        """Create a job."""

    def cancel(self, job_id: str, *, reason_code: str, comment: str) -> None:
        """Cancel a job without force: its executions in progress continue."""

    def executions(
        self, job_id: str, status: ExecutionStatus | None = None
    ) -> Iterator[ThingOutcome]:
        """The executions of a job, without status details: one call for each 250."""

    def execution(self, job_id: str, thing_name: str) -> ThingOutcome | None:
        """The last execution of a job on a thing, with its status details: one call."""


class Registry(Protocol):
    """The thing registry."""

    def things_in_group(self, group_name: str) -> Iterator[str]:
        """The names of the things in a group: one call for each 250.

        Raises:
            AwsRefused: The group does not exist.
        """

    def create_group(self, group_name: str, *, description: str) -> str:
        """Create a thing group, or find the one with this same description. Returns its ARN."""

    def add_things(
        self, group_name: str, thing_arns: Iterable[str], *, concurrency: int
    ) -> Iterator[int]:
        """Add things to a group, several calls at once; yields how many were added so far."""

    def fill_group(
        self, group_name: str, thing_arns: Sequence[str], *, per_second: int
    ) -> dict[str, str]:
        """Add things to a group at ``per_second``, independent of ``iotApiSleepTime``.

        Returns:
            Why, by ARN, a thing cannot be added: it is in ten groups already, or does not exist.
        """

    def group_description(self, group_name: str) -> str | None:
        """The description of a thing group, or None if it is not found."""

    def delete_group(self, group_name: str) -> None:
        """Delete a thing group; its things stay."""


class RemoteSigning(Protocol):
    """AWS KMS and AWS Signer."""

    def public_key(self, signing: Signing) -> ec.EllipticCurvePublicKey:
        """The public half of the key that signs.

        Raises:
            UserMistake: The key cannot sign images.
        """

    def sign(self, signing: Signing, *, path: str, sha256: str, bucket: str, folder: str) -> bytes:
        """The signature of an image, DER.

        Args:
            signing: The service and key that sign.
            path: The image's file.
            sha256: Lower-case hex of the whole image.
            bucket: The bucket for a copy of the image while it is being signed.
            folder: The folder in the bucket, with a slash at its end; nothing is left there.
        """


class Alarms(Protocol):
    """CloudWatch alarms."""

    def put(self, name: str, alarm: Alarm, *, job_id: str, description: str) -> None:
        """Create an alarm on a metric of a job."""

    def description(self, name: str) -> str | None:
        """The description of an alarm, or None if it is not found."""

    def delete(self, name: str) -> None:
        """Delete an alarm."""

    def states(self, names: Sequence[str]) -> tuple[AlarmProgress, ...]:
        """The state of each alarm: one call for up to 100."""

    def went_off(self, name: str, since_ms: int) -> bool:
        """Whether an alarm was in ALARM at any time since then, by its history."""


class JobWatch(Protocol):
    """Polls a job."""

    def snapshots(self, job_id: str) -> Iterator[JobSnapshot]:
        """One snapshot per interval, until the caller stops."""


class ThingStates(Protocol):
    """Shadows, connectivity data and the fleet index.

    The index selects, the source decides: the index lags behind, so it alone never causes a bad
    verdict.
    """

    def index_gap(self, source: VersionSource | None, *, connectivity: bool = True) -> str:
        """What the account's fleet index lacks for a source, in words; empty if nothing.

        The account's indexing configuration is never changed.

        Args:
            source: The shadow that must be indexed; None for no shadow.
            connectivity: Whether connections must be indexed as well.
        """

    def search(self, query: str, source: VersionSource | None) -> Iterator[ThingState]:
        """The things that a fleet-index query finds: one call for each 100, at most 15 a second.

        If ``source`` is None, nothing is taken from shadows.

        Raises:
            AwsRefused: The query is invalid, or the index is off or being built.
        """

    def count(self, query: str) -> int:
        """How many things a fleet-index query finds: one call."""

    def read(
        self, names: Sequence[str], source: VersionSource | None, *, connectivity: bool
    ) -> Iterator[ThingState]:
        """Things one by one: GetThingShadow, and GetThingConnectivityData for ``connectivity``.

        If ``source`` is None, no shadow is read.

        A thing without that shadow reports nothing; ``unreadable`` says why one cannot be read. If
        connectivity is not indexed, ``is_connected`` is None.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All ports of a deployment.

    Attributes:
        poll_seconds: From one poll of the gate of a wave to the next.
        aws_time_ms: Returns the Date of AWS's last answer, epoch milliseconds; None before the
            first.
    """

    objects: ObjectStore
    streams: Streams
    jobs: Jobs
    registry: Registry
    alarms: Alarms
    watch: JobWatch
    clock: Clock
    thing_states: ThingStates
    aws_time_ms: Callable[[], int | None] = lambda: None
    poll_seconds: float = DEFAULT_POLL_SECONDS

    def now_ms(self) -> int:
        """AWS's clock, the same for all machines, epoch ms; the local one before AWS answered."""
        seen_ms = self.aws_time_ms()
        return self.clock.now_ms() if seen_ms is None else seen_ms
