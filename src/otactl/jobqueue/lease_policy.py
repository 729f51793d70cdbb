"""How long a worker keeps a request without a sign of life.

A lease that is over may be taken by anybody. Its owner stops earlier, by a margin: from then on it
sends nothing more to AWS. AWS refuses a request that is signed more than five minutes ago
(General Reference, Signature Version 4), so whatever the owner had sent or was about to send before
the margin began is dead when the lease ends, even if its process was frozen with the bytes in its
hands. The half minute more is for clocks that differ.

Amazon S3 alone takes a signature for fifteen minutes. What a worker stores there late does no harm:
it is named by its content, or by the worker's fence. A late deletion of an image comes after a
checkpoint that the rounds are over. Only where a deployment failed before its job existed could it
take the image from under the next attempt, whose devices then fail to fetch it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: How long AWS takes a signed request for good, and what clocks may differ by.
SIGNATURE_LIFE_MS = 300_000
CLOCK_SKEW_MS = 30_000
DEFAULT_LEASE_MS = 900_000
#: No worker takes a longer one: what stands in the table beyond it, none has written.
MAX_LEASE_MS = 7 * 86_400_000
DEFAULT_MAX_ATTEMPTS = 3

_RENEWALS_PER_LEASE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """The times of a lease, in milliseconds.

    Attributes:
        lease_ms: From a sign of life to the end of the lease.
        max_attempts: How many workers may fail to bring a request to an end before it counts as
            dead. One that was asked to stop is not among them.
    """

    lease_ms: int = DEFAULT_LEASE_MS
    max_attempts: int = DEFAULT_MAX_ATTEMPTS

    @property
    def margin_ms(self) -> int:
        """How long before its end the owner stops; at most half of the lease.

        A lease shorter than eleven minutes leaves a margin shorter than a signature lives.
        """
        return min(SIGNATURE_LIFE_MS + CLOCK_SKEW_MS, self.lease_ms // 2)

    @property
    def renewal_ms(self) -> int:
        """From one sign of life to the next."""
        return self.lease_ms // _RENEWALS_PER_LEASE
