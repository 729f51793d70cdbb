"""Signatures by AWS KMS and AWS Signer, made and verified before anything is created.

Both leave traces in an account, and Signer needs the image in a bucket. So the plan holds a
stand-in until it is carried out; ``sign_plan`` puts the signature in its place before the journal
begins.
"""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives.asymmetric import ec

from otactl.deploy.permissions import signing_statements
from otactl.deploy.plan import Plan
from otactl.deploy.ports import RemoteSigning
from otactl.deploy.signing import is_signature_of, public_key_of
from otactl.deploy.step import UploadImage
from otactl.errors import AwsRefused, UserMistake
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.signing import Signing

#: Stands for the signature, which is as long in base64 by a key of P-256.
STAND_IN = bytes(72)
_STAND_IN_TEXT = base64.b64encode(STAND_IN).decode()
_DENIED = ("AccessDenied", "AccessDeniedException")


def verifying_key(signing: Signing, remote: RemoteSigning) -> ec.EllipticCurvePublicKey:
    """The public half of the key that signs.

    Raises:
        UserMistake: It is no key that can sign images.
        LocalResourceMissing: Its file cannot be read.
        AwsRefused: AWS refused to give it.
    """
    path = signing.key_path
    return remote.public_key(signing) if path is None else public_key_of(path)


def sign_plan(plan: Plan, configuration: DeploymentConfiguration, remote: RemoteSigning) -> Plan:
    """The plan with a signature in its documents, if it holds a stand-in.

    Raises:
        UserMistake: The key cannot sign, or what came back is no signature of the image.
        AwsRefused: AWS refused to sign; the hint is the policy's statement that is missing.
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
    # What is not in the JSON is taken over as it is.
    kept = {name: getattr(plan, name) for name in ("wave_things", "excepted", "choice")}
    return signed.model_copy(update=kept)


def _missing(configuration: DeploymentConfiguration, operation: str) -> str:
    """The statement of a policy that allows an operation, as ``otactl iam`` prints it."""
    statements = signing_statements(configuration)
    found = (one for one in statements if operation in one["Action"])
    return json.dumps(next(found, None) or "see `otactl iam`")
