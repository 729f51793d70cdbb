"""The bodies of MQTT file streams as maps, in JSON and in CBOR, read field by field.

Input is untrusted. A body that cannot be read is refused with AWS's code and message
(aws-facts G4); answers in CBOR are maps of indefinite length, as AWS's are.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any

import cbor2

from otactl.wire.error import WireError
from otactl.wire.stream_topic import PayloadFormat

MAX_CLIENT_TOKEN_BYTES = 64
# bytes.fromhex itself skips white space.
_HEX = re.compile(r"(?:0[xX])?([0-9a-fA-F]*)", re.ASCII)

#: What the readers of JSON and CBOR raise for untrusted bytes. A CBOR tag can cause any arithmetic,
#: and a map can have a key that Python cannot hash.
_UNREADABLE = (ValueError, TypeError, ArithmeticError, EOFError, RecursionError, MemoryError)


#: AWS's answer to a body that it cannot read (aws-facts G4; the CBOR message was captured,
#: aws-iot-mqtt-download-agent issue 3; the JSON message follows it).
_UNREADABLE_BODY = {
    PayloadFormat.JSON: ("InvalidJson", "Invalid JSON message"),
    PayloadFormat.CBOR: ("InvalidCbor", "Invalid CBOR message"),
}

#: The bitmap that AWS's own CBOR library always sends: base64 text as bytes (aws-facts G5).
_CONSTANT_CBOR_BITMAP = b"MQ=="


@dataclass(frozen=True, slots=True)
class Fields:
    """An untrusted map, read field by field."""

    payload_format: PayloadFormat
    fields: dict[str, Any]

    def misfit(self, message: str) -> WireError:
        """The refusal of a field with the wrong type.

        In CBOR, AWS then refuses the whole message as unreadable (aws-facts G4).
        """
        if self.payload_format is PayloadFormat.CBOR:
            return WireError(*_UNREADABLE_BODY[PayloadFormat.CBOR], client_token=self._known_token)
        return self.refusal(message)

    def refusal(self, message: str) -> WireError:
        """The refusal of a readable field that is not allowed."""
        return WireError("InvalidRequest", message, client_token=self._known_token)

    @property
    def _known_token(self) -> str | None:
        token = self.fields.get("c")
        return token if isinstance(token, str) and _fits(token) else None

    @property
    def token(self) -> str | None:
        """The client token, or None."""
        token = self.fields.get("c")
        message = f"c must be a string of at most {MAX_CLIENT_TOKEN_BYTES} bytes"
        if token is not None and not isinstance(token, str):
            raise self.misfit(message)
        if token is not None and not _fits(token):
            raise self.refusal(message)
        return token

    def integer(self, letter: str) -> int | None:
        """A whole number, or None."""
        number = self.fields.get(letter)
        if number is None:
            return None
        if isinstance(number, bool) or not isinstance(number, int):
            raise self.misfit(f"{letter} must be a whole number")
        return number

    def required(self, letter: str) -> int:
        """A whole number; a missing one is refused."""
        number = self.integer(letter)
        if number is None:
            raise self.refusal(f"{letter} is missing")
        return number

    @property
    def bitmap(self) -> bytes | None:
        """The bitmap: only hex digits in JSON, only a byte string in CBOR."""
        bitmap = self.fields.get("b")
        if bitmap is None:
            return None
        if self.payload_format is PayloadFormat.CBOR:
            if not isinstance(bitmap, bytes):
                raise self.misfit("b must be a byte string")
            return bitmap
        digits = _HEX.fullmatch(bitmap) if isinstance(bitmap, str) else None
        if digits is not None:
            return bytes.fromhex("0" * (len(digits[1]) % 2) + digits[1])
        raise self.refusal("b must be a bitmap in hex")

    @property
    def doubt(self) -> str:
        """A warning about a field that AWS may read differently, or an empty string."""
        bitmap = self.fields.get("b")
        if isinstance(bitmap, str) and not bitmap.startswith("0x"):
            return "the bitmap b has no 0x in front; AWS was seen to refuse one"
        if bitmap == _CONSTANT_CBOR_BITMAP:
            return (
                "the bitmap b is the constant MQ== of AWS's CBOR library, read as bytes here;"
                " only requests for one block (n = 1) are safe"
            )
        return ""


def load_body(body: bytes, payload_format: PayloadFormat) -> Fields:
    """Read a map; anything else raises a WireError with AWS's code for an unreadable body."""
    unreadable = WireError(*_UNREADABLE_BODY[payload_format])
    try:
        if payload_format is PayloadFormat.JSON:
            # An empty body is an empty request: describe needs no field at all.
            fields = json.loads(body) if body else {}
        else:
            # AWS's CBOR library sends some maps with trailing bytes; only the first item is read.
            fields = cbor2.load(io.BytesIO(body)) if body else {}
    except (*_UNREADABLE, cbor2.CBORDecodeError) as error:
        raise unreadable from error
    if not isinstance(fields, dict):
        raise unreadable
    return Fields(payload_format, {k: field for k, field in fields.items() if isinstance(k, str)})


def dump_request(fields: dict[str, Any], payload_format: PayloadFormat) -> bytes:
    """Write a request as a device sends it; fields that are None are left out."""
    return _dump(fields, payload_format, indefinite=False)


def dump_answer(fields: dict[str, Any], payload_format: PayloadFormat) -> bytes:
    """Write an answer as AWS does: in CBOR as a map of indefinite length (aws-facts G4)."""
    return _dump(fields, payload_format, indefinite=True)


def _dump(fields: dict[str, Any], payload_format: PayloadFormat, *, indefinite: bool) -> bytes:
    present = {key: field for key, field in fields.items() if field is not None}
    if payload_format is PayloadFormat.CBOR:
        return cbor2.dumps(present, indefinite_containers=indefinite)
    return json.dumps(present, separators=(",", ":")).encode()


def _fits(token: str) -> bool:
    try:
        return len(token.encode()) <= MAX_CLIENT_TOKEN_BYTES
    except UnicodeEncodeError:
        return False  # JSON can contain half a surrogate pair
