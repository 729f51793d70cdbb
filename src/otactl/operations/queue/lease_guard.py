"""Keeps a worker from calling AWS for a request that may no longer be its own.

Three things check the lease: the deployment's clock before each step and after each sleep;
botocore's ``before-send`` event, after a request to AWS was signed and before it is sent; and a
thread that renews the lease. ``otactl.jobqueue.lease_policy`` explains why that is enough even for
a frozen process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from otactl.aws.clients import AwsClients, AwsSettings, CallCounter
from otactl.aws.machine_time import wall_ms
from otactl.errors import OtactlError
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.rules.backoff import Retry


class LeasedClock(CommandClock):
    """The clock of a queued deployment: it raises ``LeaseLost`` when the lease is lost."""

    def __init__(
        self, claimed: ClaimedRequest, frontend: Frontend, own_ms: Callable[[], int] = wall_ms
    ) -> None:
        super().__init__(own_ms=own_ms)
        self._claimed = claimed
        self._frontend = frontend

    @property
    def stop_signal(self) -> int | None:
        """The signal by which the user asked to stop; None without one."""
        return self._signal_number if self._asked else None

    def renewed(self) -> LeasedClock:
        """This clock, no longer shielded; the lease and a request to stop stay in effect."""
        self._shielded = False
        return self

    def check(self) -> None:
        """Raise if the user asked to stop or another worker has the request."""
        self.check_lease()
        super().check()

    def check_lease(self) -> None:
        """Check that the request is this worker's; retry while the queue is unreachable.

        Raises:
            LeaseLost: It is not.
        """
        warn = self._frontend.warn_of_retry("the lease cannot be renewed: ")
        Retry(self._pause, warn).until_done(self._claimed.check)

    def _pause(self, seconds: float) -> None:
        """Wait as ``sleep`` does, but without the lease check, which would recurse."""
        self._wait(seconds)
        super().check()


class GuardedClientPool:
    """The AWS clients that a worker deploys with, made once per region and pace.

    They serve one request after the other; each call first checks that request's lease.
    """

    def __init__(self) -> None:
        self._clients: dict[AwsSettings, AwsClients] = {}
        self._clock: LeasedClock | None = None

    def of(self, settings: AwsSettings) -> AwsClients:
        """The clients for a deployment's region and pace."""
        if settings not in self._clients:
            self._clients[settings] = AwsClients(settings, guard=self._check)
        return self._clients[settings]

    def serve(self, settings: AwsSettings, clock: LeasedClock) -> AwsClients:
        """The clients, which check this lease from now on and count calls from zero."""
        self._clock = clock
        clients = self.of(settings)
        clients.calls = CallCounter()
        return clients

    def release(self) -> None:
        """Stop checking a lease."""
        self._clock = None

    def _check(self) -> None:
        if self._clock is not None:
            self._clock.check_lease()


@contextmanager
def heartbeat(claimed: ClaimedRequest, policy: LeasePolicy) -> Iterator[None]:
    """Renew the lease of a request while the ``with`` block runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(policy.renewal_ms / 1000):
            try:
                claimed.renew()
            except LeaseLost:
                return
            except OtactlError:
                # The worker itself checks the lease before each call, and reports the error.
                continue

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
