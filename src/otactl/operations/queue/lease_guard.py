"""Keeps a worker from touching AWS for a request that may no longer be its own.

Three things ask the lease: the deployment's clock before each step and after each sleep; botocore's
``before-send`` event, after a request to AWS was signed and before it is sent; and a thread that
renews the lease. Why that is enough even for a frozen process is explained in
``otactl.jobqueue.lease_policy``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from otactl.aws.clients import AwsClients, AwsSettings, CallCounter
from otactl.aws.machine_time import wall_ms
from otactl.errors import OtactlError
from otactl.jobqueue.claimed_request import ClaimedRequest, LeaseLost
from otactl.jobqueue.lease_policy import LeasePolicy
from otactl.operations.clock import CommandClock
from otactl.operations.frontend import Frontend
from otactl.rules.backoff import Retry


class LeasedClock(CommandClock):
    """The clock of a deployment out of the queue: it stops when the lease is lost."""

    def __init__(
        self, claimed: ClaimedRequest, frontend: Frontend, own_ms: Callable[[], int] = wall_ms
    ) -> None:
        super().__init__(own_ms=own_ms)
        self._claimed = claimed
        self._frontend = frontend

    @property
    def stop_signal(self) -> int | None:
        """The signal by which the user asked to stop; None without one."""
        return self._signal_number if self._asked.is_set() else None

    def renewed(self) -> LeasedClock:
        """This clock, no longer shielded; the lease and a stop that was asked for go on."""
        self._shielded = False
        return self

    def check(self) -> None:
        """Go on, unless the user asked to stop or another worker has the request."""
        self.check_lease()
        super().check()

    def check_lease(self) -> None:
        """Go on when the request is this worker's; wait while the queue cannot be asked.

        Raises:
            LeaseLost: It is not.
        """
        warn = self._frontend.warn_of_retry("the lease cannot be renewed: ")
        Retry(self._pause, warn).until_done(self._claimed.check)

    def _pause(self, seconds: float) -> None:
        """Wait as ``sleep`` does, without its look at the lease, which would begin this anew."""
        self._wait(seconds)
        super().check()


class GuardedClients:
    """The AWS clients that a worker deploys with: what they send is checked against the lease.

    They serve one request after the other, so that a worker makes them once.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self.clients = AwsClients(settings)
        self._clock: LeasedClock | None = None
        for client in (self.clients.iot, self.clients.s3, self.clients.cloudwatch):
            client.meta.events.register("before-send", self._before_send)

    def serve(self, clock: LeasedClock | None) -> AwsClients:
        """Check against this lease from now on, and count calls from nothing; None: no more."""
        self._clock = clock
        self.clients.calls = CallCounter()
        return self.clients

    def _before_send(self, **_: Any) -> None:
        if self._clock is not None:
            self._clock.check_lease()


class GuardedClientPool:
    """The guarded clients of one worker, made once for each region and pace."""

    def __init__(self) -> None:
        self._clients: dict[AwsSettings, GuardedClients] = {}

    def of(self, settings: AwsSettings) -> GuardedClients:
        """The clients for a deployment's region and pace."""
        if settings not in self._clients:
            self._clients[settings] = GuardedClients(settings)
        return self._clients[settings]


class Heartbeat:
    """Renews the lease of a request while the ``with`` block runs."""

    def __init__(self, claimed: ClaimedRequest, policy: LeasePolicy) -> None:
        self._claimed = claimed
        self._seconds = policy.renewal_ms / 1000
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._seconds):
            try:
                self._claimed.renew()
            except LeaseLost:
                return
            except OtactlError:
                # The worker itself asks before it does anything; it will say what is wrong.
                continue
