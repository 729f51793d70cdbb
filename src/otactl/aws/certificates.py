"""Device certificates: created from a signing request, attached, and removed when attached."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from otactl.aws.clients import AwsClients
from otactl.aws.translate import MISSING, translated
from otactl.model.arn import Arn

# AWS IoT is eventually consistent: what was detached a moment ago may still count as attached. The
# answer is then DeleteConflictException (botocore ``iot`` DeleteCertificate, DeletePolicy), or
# InvalidRequest of DeleteThing while principals are attached.

_ATTEMPTS = 8
_FIRST_WAIT_SECONDS = 0.1
_STILL_ATTACHED = frozenset({"DeleteConflictException", "InvalidRequestException"})


def eventually(call: Callable[[], object]) -> None:
    """Make a call; retry with backoff for about 12 seconds while something is still attached.

    Raises:
        ClientError: AWS still refuses, or refuses for another reason.
    """
    wait_seconds = _FIRST_WAIT_SECONDS
    for _ in range(_ATTEMPTS - 1):
        try:
            call()
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _STILL_ATTACHED:
                raise
            time.sleep(wait_seconds)
            wait_seconds *= 2
        else:
            return
    call()


_PAGE = 250
_MS = 1000


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that AWS created."""

    arn: str
    pem: str


class Certificates:
    """The certificates of an account."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    @translated("iot")
    def sign(self, request: str) -> Certificate:
        """Create an active certificate from a signing request (PEM)."""
        answer = self._clients.iot.create_certificate_from_csr(
            certificateSigningRequest=request, setAsActive=True
        )
        return Certificate(answer["certificateArn"], answer["certificatePem"])

    @translated("iot", {MISSING: None})
    def active(self, arn: str) -> Certificate | None:
        """The certificate, if it exists and devices may connect with it; else None."""
        answer = self._clients.iot.describe_certificate(certificateId=_id(arn))
        described = answer["certificateDescription"]
        if described["status"] != "ACTIVE":
            return None
        return Certificate(arn, described["certificatePem"])

    @translated("iot")
    def attach(self, arn: str, *, policy_name: str, thing_name: str) -> None:
        """Attach it to a policy and a thing; idempotent."""
        iot = self._clients.iot
        iot.attach_policy(policyName=policy_name, target=arn)
        iot.attach_thing_principal(thingName=thing_name, principal=arn)

    @translated("iot")
    def of_thing(self, thing_name: str) -> list[str]:
        """The ARNs of a thing's certificates."""
        answer = self._clients.iot.list_thing_principals(thingName=thing_name)
        return [principal for principal in answer["principals"] if ":cert/" in principal]

    @translated("iot")
    def detach(self, arn: str, thing_name: str) -> None:
        """Detach it from a thing."""
        self._clients.iot.detach_thing_principal(thingName=thing_name, principal=arn)

    @translated("iot")
    def has_policy(self, arn: str, policy_name: str) -> bool:
        """Whether a policy is attached to it."""
        answer = self._clients.iot.list_attached_policies(target=arn)
        return any(policy["policyName"] == policy_name for policy in answer["policies"])

    @translated("iot", {MISSING: None})
    def delete(self, arn: str) -> None:
        """Detach it from everything and delete it; no error if it does not exist."""
        iot = self._clients.iot
        for policy in iot.list_attached_policies(target=arn)["policies"]:
            iot.detach_policy(policyName=policy["policyName"], target=arn)
        for thing_name in iot.list_principal_things(principal=arn)["things"]:
            iot.detach_thing_principal(thingName=thing_name, principal=arn)
        iot.update_certificate(certificateId=_id(arn), newStatus="INACTIVE")
        eventually(lambda: iot.delete_certificate(certificateId=_id(arn)))

    def since(self, since_ms: int) -> Iterator[str]:
        """The ARNs of the certificates created since then, epoch milliseconds."""
        for certificate in self._clients.listed(
            "iot", "list_certificates", "certificates", PaginationConfig={"PageSize": _PAGE}
        ):
            if certificate["creationDate"].timestamp() * _MS >= since_ms:
                yield certificate["certificateArn"]

    @translated("iot")
    def public_key(self, arn: str) -> bytes:
        """Its public key, DER."""
        answer = self._clients.iot.describe_certificate(certificateId=_id(arn))
        pem = answer["certificateDescription"]["certificatePem"]
        key = load_pem_x509_certificate(pem.encode()).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _id(arn: str) -> str:
    """The id within the ARN, ``…:cert/ID``."""
    return Arn.parse(arn).resource_name
