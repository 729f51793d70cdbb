"""How long a worker keeps a request without renewing its lease.

When a lease is over, any worker may take the request over. Its owner stops earlier, by a margin:
from then on it sends nothing to AWS. AWS refuses a request that was signed more than five minutes
ago (General Reference, Signature Version 4), so what the owner signed before the margin is invalid
when the lease ends, even if its process was suspended just before it sent the bytes. Another half
minute covers the difference between clocks.

Only Amazon S3 accepts a signature for fifteen minutes. A late upload does no harm: its name has the
digest of its content, or the worker's fence. A late deletion of an image follows a checkpoint that
the rounds are over. Only if a deployment failed before its job existed could it delete the image of
the next attempt, whose devices then fail to fetch it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How long AWS accepts a signed request, and how much clocks may differ.
SIGNATURE_LIFE_MS = 300_000
CLOCK_SKEW_MS = 30_000
DEFAULT_LEASE_MS = 900_000
#: The longest lease that a worker takes; a longer one in the table is not a worker's.
MAX_LEASE_MS = 7 * 86_400_000
DEFAULT_MAX_ATTEMPTS = 3

_RENEWALS_PER_LEASE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """The times of a lease, in milliseconds.

    Attributes:
        lease_ms: From a claim or renewal to the end of the lease.
        max_attempts: A request is dead after N workers claimed it without finishing it. Workers
            that were asked to stop do not count.
    """

    lease_ms: int = DEFAULT_LEASE_MS
    max_attempts: int = DEFAULT_MAX_ATTEMPTS

    @property
    def margin_ms(self) -> int:
        """How long before its end the owner stops; at most half of the lease.

        With a lease under eleven minutes the margin is shorter than a signature is valid.
        """
        return min(SIGNATURE_LIFE_MS + CLOCK_SKEW_MS, self.lease_ms // 2)

    @property
    def renewal_ms(self) -> int:
        """From one renewal to the next."""
        return self.lease_ms // _RENEWALS_PER_LEASE
