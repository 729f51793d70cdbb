"""Signs an image: with the customer's private key, or by AWS KMS and AWS Signer.

ECDSA over SHA-256, DER encoded. A key comes from a file, as PEM (PKCS#8 or SEC1) or as the base64
text of either's DER, which is what the manual's shell chapter calls "the private key in base64
format". It is read, used and not stored: it is never in an argument list, a log, the journal or the
job document.

KMS and Signer leave traces in an account, and Signer needs the image in a bucket. So a plan has a
placeholder for the signature; when it is carried out, ``sign_plan`` replaces it by the signature,
which is verified before anything is created and before the journal begins.
"""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from otactl.deploy.permissions import signing_statements
from otactl.deploy.plan import Plan
from otactl.deploy.ports import RemoteSigning
from otactl.deploy.step import UploadImage
from otactl.errors import AwsRefused, LocalResourceMissing, UserMistake
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.firmware import Signing

_HINT = "`openssl ecparam -name prime256v1 -genkey -noout -out key.pem` makes one"

#: The placeholder of the signature; one made by a P-256 key is as long in base64.
STAND_IN = bytes(72)
_STAND_IN_TEXT = base64.b64encode(STAND_IN).decode()
_DENIED = ("AccessDenied", "AccessDeniedException")


def sign_image(sha256: str, key_path: str) -> bytes:
    """The signature of an image, by its SHA-256 in lower-case hex.

    Raises:
        LocalResourceMissing: The key cannot be read.
        UserMistake: It is not an unencrypted EC private key.
    """
    key = _load_key(key_path)
    return key.sign(bytes.fromhex(sha256), ec.ECDSA(utils.Prehashed(hashes.SHA256())))


def is_signature_of(signature: bytes, sha256: str, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Whether a signature (DER) is of an image (SHA-256, hex) and by the owner of a public key."""
    digest = bytes.fromhex(sha256)
    try:
        public_key.verify(signature, digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
    except InvalidSignature:
        return False
    return True


def public_key_of(key_path: str) -> ec.EllipticCurvePublicKey:
    """The public half of a private key, with which devices verify its signatures.

    Raises:
        LocalResourceMissing: The key cannot be read.
        UserMistake: It is not an unencrypted EC private key.
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
        # The library's message may quote the key's bytes, so it is not shown.
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


def verifying_key(signing: Signing, remote: RemoteSigning) -> ec.EllipticCurvePublicKey:
    """The public half of the key that signs.

    Raises:
        UserMistake: The key cannot sign images.
        LocalResourceMissing: Its file cannot be read.
        AwsRefused: AWS refused to return it.
    """
    path = signing.key_path
    return remote.public_key(signing) if path is None else public_key_of(path)


def sign_plan(plan: Plan, configuration: DeploymentConfiguration, remote: RemoteSigning) -> Plan:
    """The plan with a signature in its documents, if it has a placeholder.

    Raises:
        UserMistake: The key cannot sign, or the result is not a signature of the image.
        AwsRefused: AWS refused to sign; the hint is the missing statement of the policy.
    """
    signing = configuration.signing
    if signing is None or plan.signature != _STAND_IN_TEXT:
        return plan
    image = next(step for step in plan.setup if isinstance(step, UploadImage))
    try:
        public_key = verifying_key(signing, remote)
        signature = remote.sign(
            signing,
            path=image.path,
            sha256=image.sha256,
            bucket=image.bucket,
            folder=f"signing/{plan.deployment_id}/",
        )
    except AwsRefused as refusal:
        if refusal.code not in _DENIED:
            raise
        raise AwsRefused(
            refusal.operation,
            refusal.code,
            refusal.reason,
            hint=f"allow it: {_missing(configuration, refusal.operation)}",
            status=refusal.status,
        ) from refusal
    if not is_signature_of(signature, image.sha256, public_key):
        raise UserMistake(
            f"what {signing.source} made is no signature of {image.path} by its public key",
            hint="the image may have changed meanwhile; nothing was created: deploy again",
        )
    text = base64.b64encode(signature).decode()
    signed = Plan.model_validate_json(plan.model_dump_json().replace(_STAND_IN_TEXT, text))
    # These fields are not in the JSON.
    kept = {name: getattr(plan, name) for name in ("wave_things", "excepted", "choice")}
    return signed.model_copy(update=kept)


def _missing(configuration: DeploymentConfiguration, operation: str) -> str:
    """The statement of a policy that allows an operation, as ``otactl iam`` prints it."""
    statements = signing_statements(configuration)
    found = (one for one in statements if operation in one["Action"])
    return json.dumps(next(found, None) or "see `otactl iam`")
