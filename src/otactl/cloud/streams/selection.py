"""Which blocks answer a GetStream request. Pure.

Rules and their sources (aws-facts G4; for rules marked *unconfirmed*, ``docs/local-cloud.md`` has
our decision and the reason):

- without a bitmap: ``n`` blocks from ``o``, where ``n`` defaults to 131072 / ``l``; blocks beyond
  the end of the file are left out (unconfirmed); if none is left, the code is ResourceNotFound;
- with a bitmap: the blocks of its bits, only the first ``n`` if ``n`` is given; if one of these is
  beyond the end of the file, the code is InvalidRequest (aws-iot-mqtt-download-agent, issue 4).
  Because ``n`` is applied first, the fixed bitmap that AWS's own CBOR library sends is answered
  with the blocks it means (aws-facts G5);
- at most 128 KiB per request; the rest is not an error and needs another request.
"""

from __future__ import annotations

from itertools import islice

from otactl.wire.error import WireError
from otactl.wire.stream_payload import MAX_BYTES_PER_REQUEST, GetStreamRequest, decode_bitmap


def select_blocks(request: GetStreamRequest, file_size: int) -> tuple[int, ...]:
    """The numbers of the blocks to deliver, ascending; at least one.

    Args:
        request: Within the limits (``wire.stream_payload.check_limits``).
        file_size: Bytes of the file.

    Raises:
        WireError: With the code of the rejection.
    """
    blocks_in_file = -(-file_size // request.block_size)
    most = MAX_BYTES_PER_REQUEST // request.block_size
    if request.bitmap is None:
        return _row(request, blocks_in_file, most)
    wanted = tuple(islice(decode_bitmap(request.bitmap, request.block_offset), request.block_count))
    if not wanted:
        raise _refuse("InvalidRequest", "the request asks for no block", request)
    if wanted[-1] >= blocks_in_file:
        raise _refuse(
            "InvalidRequest",
            f"block {wanted[-1]} is out of range: file {request.file_id} has {blocks_in_file} "
            f"blocks of {request.block_size} bytes",
            request,
        )
    return wanted[:most]


def _row(request: GetStreamRequest, blocks_in_file: int, most: int) -> tuple[int, ...]:
    count = most if request.block_count is None else request.block_count
    if count == 0:
        raise _refuse("InvalidRequest", "the request asks for no block", request)
    first = request.block_offset
    if first >= blocks_in_file:
        raise _refuse(
            "ResourceNotFound",
            f"there is no block {first}: file {request.file_id} has {blocks_in_file} blocks of "
            f"{request.block_size} bytes",
            request,
        )
    return tuple(range(first, min(first + min(count, most), blocks_in_file)))


def _refuse(code: str, message: str, request: GetStreamRequest) -> WireError:
    return WireError(code, message, client_token=request.client_token)
