"""A private key for each thing, created here; only the certificate signing request is sent.

Elliptic curve P-256, which AWS IoT and every small TLS library support. Key files are readable only
by their owner.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from otactl.errors import LocalResourceMissing
from otactl.fleet.store import ThingFiles

#: X.520's limit on a common name. AWS IoT replaces the subject anyway.
_MAX_COMMON_NAME = 64


def certificate_request(thing_name: str, files: ThingFiles) -> str:
    """The certificate signing request of a thing, PEM; creates its key on first use.

    Raises:
        LocalResourceMissing: The key cannot be written or read.
    """
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, thing_name[:_MAX_COMMON_NAME])])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return request.sign(_key(files.key_file), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def public_key(files: ThingFiles) -> bytes | None:
    """The public half of a thing's key, DER; None if there is no key."""
    if not _is_written(files.key_file):
        return None
    return (
        _key(files.key_file)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        if not _is_written(path):
            path.unlink(missing_ok=True)
            return _new_key(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise LocalResourceMissing(f"{path} cannot be written or read: {error.strerror}") from error
    except ValueError as error:
        raise LocalResourceMissing(f"{path} is no private key: {error}") from error
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise LocalResourceMissing(f"{path} is not a key of an elliptic curve")


def _is_written(path: Path) -> bool:
    """Whether there is a key; a process killed while it made one leaves an empty file."""
    return path.exists() and path.stat().st_size > 0


def _new_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Created with its final mode, so that other users can never read it.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return key
