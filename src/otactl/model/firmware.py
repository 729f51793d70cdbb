"""A firmware image as the deployment knows it: where it is, how long, and its digests."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """One image file, measured once. The digests are lower-case hex of the whole file.

    The manual computes the MD5 in chunks of ``fileChunkSize`` bytes; the result is the plain MD5
    of the file whatever the chunk size (aws-facts M14), so the size only sets how much is read
    at a time.
    """

    path: str
    name: str
    size_bytes: int
    md5: str
    sha256: str

    @property
    def object_key(self) -> str:
        """Where the image lies in its bucket. Named by content: another image is another key."""
        return f"firmware/{self.sha256}/{self.name}"
