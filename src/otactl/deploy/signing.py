"""Signs an image with the customer's private key: ECDSA over SHA-256, DER encoded.

The key comes from a file, as PEM (PKCS#8 or SEC1) or as the base64 text of either's DER, which is
what the manual's shell chapter calls "the private key in base64 format". It is read, used and
forgotten: never in an argument list, a log, the journal or the job document.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from otactl.errors import LocalResourceMissing, UserMistake

_HINT = "`openssl ecparam -name prime256v1 -genkey -noout -out key.pem` makes one"


def sign_image(sha256: str, key_path: str) -> bytes:
    """The signature of an image, by its digest.

    Args:
        sha256: Lower-case hex of the whole image.
        key_path: The private key's file.

    Raises:
        LocalResourceMissing: The key cannot be read.
        UserMistake: It is no unencrypted EC private key.
    """
    key = _load_key(key_path)
    return key.sign(bytes.fromhex(sha256), ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def is_signature_of(signature: bytes, sha256: str, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Whether the owner of a public key made a signature of an image.

    Args:
        signature: DER.
        sha256: Lower-case hex of the whole image.
        public_key: Whose.
    """
    digest = bytes.fromhex(sha256)
    try:
        public_key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


def public_key_of(key_path: str) -> ec.EllipticCurvePublicKey:
    """The public half of a private key, for devices that check what it signed.

    Raises:
        LocalResourceMissing: The key cannot be read.
        UserMistake: It is no unencrypted EC private key.
    """
    return _load_key(key_path).public_key()


def _load_key(key_path: str) -> ec.EllipticCurvePrivateKey:
    try:
        content = Path(key_path).read_bytes().strip()
    except OSError as error:
        raise LocalResourceMissing(
            f"cannot read the private key {key_path}: {error.strerror or error}"
        ) from error
    try:
        key = _parse_key(content)
    except (TypeError, ValueError, UnsupportedAlgorithm, binascii.Error) as error:
        # What the library says may quote the key's bytes; it is not repeated.
        raise UserMistake(
            f"{key_path} holds no unencrypted private key, neither PEM nor base64 of DER",
            hint=_HINT,
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UserMistake(f"{key_path} holds no EC key; devices expect ECDSA", hint=_HINT)
    return key


def _parse_key(content: bytes) -> PrivateKeyTypes:
    if not content.startswith(b"-----BEGIN"):
        content = base64.b64decode(b"".join(content.split()), validate=True)
    if content.startswith(b"-----BEGIN"):
        return load_pem_private_key(content, password=None)
    return load_der_private_key(content, password=None)
