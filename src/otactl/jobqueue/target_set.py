"""Which things a request is for, small enough to be compared with every other request's.

A target is represented by eight bytes of its ARN's digest: 80 KB for 10,000 things. Two sets that
share a thing always share its digest; two that share none seem to overlap by chance about once in
2⁶⁴ ÷ (m · n) comparisons (10,000 things each: one in 10¹¹), and then one of the two only waits for
the other. So there is never more than one deployment of a thing at a time.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

DIGEST_BYTES = 8


@dataclass(frozen=True)
class TargetSet:
    """A set of targets.

    Attributes:
        packed: Their digests, sorted, without duplicates, concatenated.
    """

    packed: bytes = b""

    def __post_init__(self) -> None:
        if len(self.packed) % DIGEST_BYTES:
            raise ValueError(f"{len(self.packed)} bytes are no whole number of digests")

    @classmethod
    def of(cls, arns: Iterable[str]) -> TargetSet:
        """The set of these ARNs of things and thing groups."""
        digests = {hashlib.blake2b(arn.encode(), digest_size=DIGEST_BYTES).digest() for arn in arns}
        return cls(b"".join(sorted(digests)))

    def __len__(self) -> int:
        return len(self.packed) // DIGEST_BYTES

    @cached_property
    def _numbers(self) -> array[int]:
        return array("Q", self.packed)

    @cached_property
    def _lookup(self) -> frozenset[int]:
        return frozenset(self._numbers)

    def overlaps(self, other: TargetSet) -> bool:
        """Whether the two have a target in common."""
        if not self.packed or not other.packed:
            return False
        if self.packed[-DIGEST_BYTES:] < other.packed[:DIGEST_BYTES]:
            return False
        if other.packed[-DIGEST_BYTES:] < self.packed[:DIGEST_BYTES]:
            return False
        # The lookup of this set is built once and used for all comparisons with it.
        return not self._lookup.isdisjoint(other._numbers)
