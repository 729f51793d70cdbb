"""Every error a user can meet, grouped by who can act on it.

The tree, with the exit code a script sees::

    OtactlError
    ├── UserMistake                 2   the user: a file, a key, a flag
    │   ├── ConfigurationInvalid    2   several problems, reported together
    │   ├── LocalResourceMissing    2   a file, a port, a permission of this machine
    │   ├── CredentialsUnusable     2   not signed in, or the session ended
    │   └── JobUnfinished           2   a job that has not ended was to be deleted
    ├── AwsRefused                  3   the account's administrator: AWS said no
    │   ├── AwsUnreachable          3   the network between here and AWS
    │   └── TableMissing            2   the user: --table, or `otactl queue init`
    ├── DeploymentFailed            1   the firmware team: not every thing succeeded
    │   ├── JobAborted              4   an abort criterion of the job was met
    │   ├── JobCanceled             5   somebody else cancelled the job
    │   ├── JobDeleted              6   somebody deleted the job
    │   ├── DeadlinePassed          1   the job did not end within --max-wait
    │   ├── StoppedByAlarm          7   the force-stopper acted on an alarm
    │   ├── GateFailed              8   a wave's gate failed; later waves never began
    │   ├── DeploymentRejected      9   a person rejected it at a gate
    │   └── RollbackFailed         11   a rollback was stopped: too many things did not go back
    ├── GateWaits                  10   no one: a wave's gate waits, this process does not
    └── Interrupted               130   Ctrl-C (SIGTERM: 143)

Foreign exceptions are translated once, where they enter (``aws`` for botocore's), and chained
with ``from``. The command line prints ``str(error)`` and, when there is one, ``error.hint``;
only developers ever read a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from otactl.errors.problem import Problem


class OtactlError(Exception):
    """Raised when something the user should read about stops a command.

    Args:
        message: One sentence: what was wrong and where.
        hint: What to do about it, when we know.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UserMistake(OtactlError):
    """Raised when the user can fix it: an argument, a file, a key in ``dev.ini``."""

    exit_code: ClassVar[int] = 2


class ConfigurationInvalid(UserMistake):
    """Raised when a configuration has problems; it carries all of them, not the first.

    Args:
        problems: In the order of the file. At least one has severity ERROR.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LocalResourceMissing(UserMistake):
    """Raised when this machine lacks something needed: a file, a free port, a permission."""


class CredentialsUnusable(UserMistake):
    """Raised when there are no credentials, or a session cannot be renewed without the user."""


class JobUnfinished(UserMistake):
    """Raised when a job was to be deleted or cancelled by force that has not ended.

    Args:
        job_id: The job.
        status: Its status, as the service gives it.
        in_progress: Executions in progress.
    """

    def __init__(self, job_id: str, status: str, *, in_progress: int) -> None:
        devices = f", {in_progress:,} in progress" if in_progress else ""
        super().__init__(
            f"job {job_id} has not ended ({status}{devices}); it is kept",
            hint="`otactl monitor` watches it, `otactl clean` deletes it after you confirm",
        )
        self.job_id = job_id


class AwsRefused(OtactlError):
    """Raised when AWS answered a call with an error that a retry does not fix.

    Args:
        operation: Service and operation, ``iot:CreateJob``.
        code: The error code AWS gave, ``InvalidRequestException``.
        message: AWS's own words.
        hint: What to do about it, when we know.
        status: The HTTP status, when there was an answer.
    """

    exit_code: ClassVar[int] = 3
    _what: ClassVar[str] = "AWS refused"

    def __init__(
        self,
        operation: str,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{self._what} {operation}: {message} ({code})", hint=hint)
        self.operation = operation
        self.code = code
        self.reason = message
        self.status = status

    @property
    def is_missing(self) -> bool:
        """Whether the resource does not exist."""
        return self.code in _MISSING_CODES

    @property
    def is_conflict(self) -> bool:
        """Whether something of that name exists already."""
        return self.code in _CONFLICT_CODES

    @property
    def is_about_credentials(self) -> bool:
        """Whether AWS refuses these credentials for every operation: sign in and try again."""
        return self.code in _CREDENTIAL_CODES

    @property
    def may_be_about_credentials(self) -> bool:
        """The same, or the bare status of an answer to HEAD, which has no body."""
        return self.is_about_credentials or self.code in _BARE_REFUSALS


_MISSING_CODES = frozenset(
    {"ResourceNotFoundException", "ResourceNotFound", "NoSuchKey", "NoSuchBucket", "NoSuchVersion"}
    | {"NotFound", "404", "NoSuchEntity"}
)
_CONFLICT_CODES = frozenset(
    {"ResourceAlreadyExistsException", "BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
    | {"EntityAlreadyExists", "ResourceInUseException"}
)
#: What S3 answers to HEAD for an expired token, and for an unknown access key.
_BARE_REFUSALS = frozenset({"400", "403"})
#: API Reference, common errors.
_CREDENTIAL_CODES = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
    | {"UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken", "InvalidAccessKeyId"}
    | {"SignatureDoesNotMatch", "InvalidSignatureException"}
)


class AwsUnreachable(AwsRefused):
    """Raised when no answer came within the retry budget: network, endpoint, throttling."""

    _what: ClassVar[str] = "AWS did not serve"


class TableMissing(AwsRefused):
    """Raised when the queue's table does not exist: exit code 2, as for every unknown name."""

    exit_code: ClassVar[int] = UserMistake.exit_code
    _what: ClassVar[str] = "there is no such table:"


class DeploymentFailed(OtactlError):
    """Raised when a deployment ended and not every thing runs the new image."""

    exit_code: ClassVar[int] = 1

    def where_listed(self) -> OtactlError:
        """The error to show where a list already names the things that failed."""
        return self


class ThingsFailed(DeploymentFailed):
    """Raised when a round ended and things did not succeed.

    Args:
        counted: How many things of how many did not succeed.
        named: Their names and reasons.
    """

    def __init__(self, counted: str, named: str) -> None:
        super().__init__(f"{counted}: {named}")
        self._counted = counted

    def where_listed(self) -> OtactlError:
        """The count alone."""
        return DeploymentFailed(self._counted)


class JobAborted(DeploymentFailed):
    """Raised when the job met one of its own abort criteria."""

    exit_code: ClassVar[int] = 4


class JobCanceled(DeploymentFailed):
    """Raised when somebody other than this deployment cancelled the job."""

    exit_code: ClassVar[int] = 5


class JobDeleted(DeploymentFailed):
    """Raised when the job disappeared while the deployment watched it."""

    exit_code: ClassVar[int] = 6


class DeadlinePassed(DeploymentFailed):
    """Raised when the job did not end within ``--max-wait``."""


class StoppedByAlarm(DeploymentFailed):
    """Raised when the force-stopper cancelled the job because an alarm went off."""

    exit_code: ClassVar[int] = 7


class GateFailed(DeploymentFailed):
    """Raised when a wave did not meet the conditions of its gate."""

    exit_code: ClassVar[int] = 8


class DeploymentRejected(DeploymentFailed):
    """Raised when a person ended a deployment in waves with ``otactl reject``."""

    exit_code: ClassVar[int] = 9


class RollbackFailed(DeploymentFailed):
    """Raised when a rollback was stopped; it is never rolled back itself."""

    exit_code: ClassVar[int] = 11


class GateWaits(OtactlError):
    """Raised when a process ends while a gate waits; ``otactl resume`` continues there."""

    exit_code: ClassVar[int] = 10


class Interrupted(OtactlError):
    """Raised when the user or the system asked the process to stop.

    Args:
        signal_number: 2 for Ctrl-C, 15 for SIGTERM, 1 for SIGHUP; the exit code is 128 more.
    """

    def __init__(self, signal_number: int = 2) -> None:
        super().__init__("interrupted")
        self.signal_number = signal_number
