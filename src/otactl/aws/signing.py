"""AWS KMS and AWS Signer behind ``deploy.ports.RemoteSigning``.

KMS signs the digest (``MessageType`` DIGEST): the image never leaves this machine. Signer reads
the image from a versioned bucket and writes the result beside it (API reference, StartSigningJob).
On the platform below the result is JSON with the signature as base64, made with the key of the
profile's certificate in AWS Certificate Manager. Both objects are deleted afterwards.
"""

from __future__ import annotations

import base64
import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from otactl.aws.clients import AwsClients
from otactl.aws.object_store import S3ObjectStore
from otactl.aws.translate import translated
from otactl.errors import AwsRefused, LocalResourceMissing, UserMistake
from otactl.model.clock import Clock
from otactl.model.firmware import Signing, SigningSource

PLATFORM = "AWSIoTDeviceManagement-SHA256-ECDSA"
_ALGORITHM = "ECDSA_SHA_256"
_POLL_SECONDS = 1.0
#: A signing job takes seconds; after this time it counts as failed.
_LONGEST_MS = 300_000
_KEY_HINT = "use a key of the key spec ECC_NIST_P256"


class AwsSigning:
    """KMS and Signer.

    Args:
        clock: Waits for signing jobs.
    """

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock

    def public_key(self, signing: Signing) -> ec.EllipticCurvePublicKey:
        """The public key for signatures; refused unless it is on the curve P-256."""
        is_kms = signing.source is SigningSource.KMS
        key: object = None
        with suppress(UnsupportedAlgorithm, ValueError):  # a kind of key that is unknown here
            key = self._kms_public_key(signing) if is_kms else self._certified_key(signing)
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            return key
        which = f"the KMS key {signing.kms_key}" if is_kms else f"profile {signing.signing_profile}"
        raise UserMistake(f"{which} cannot sign images with {_ALGORITHM}", hint=_KEY_HINT)

    def sign(self, signing: Signing, *, path: str, sha256: str, bucket: str, folder: str) -> bytes:
        """The signature of an image, DER."""
        if signing.source is SigningSource.KMS:
            return self._kms_signature(signing, bytes.fromhex(sha256))
        return self._signer_signature(signing, path, bucket, folder)

    @translated("kms")
    def _kms_public_key(self, signing: Signing) -> Any:
        found = self._clients.kms.get_public_key(KeyId=signing.kms_key)
        return load_der_public_key(found["PublicKey"])

    @translated("kms")
    def _kms_signature(self, signing: Signing, digest: bytes) -> bytes:
        answer = self._clients.kms.sign(
            KeyId=signing.kms_key,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm=_ALGORITHM,
        )
        return bytes(answer["Signature"])

    def _certified_key(self, signing: Signing) -> Any:
        profile = self._profile(signing)
        platform, state = profile.get("platformId"), profile.get("status")
        if (platform, state) != (PLATFORM, "Active"):
            raise UserMistake(
                f"the signing profile {signing.signing_profile} is {state} and of the platform"
                f" {platform}",
                hint=f"use an active one of {PLATFORM}",
            )
        arn = profile.get("signingMaterial", {}).get("certificateArn", "")
        return x509.load_pem_x509_certificate(self._certificate(arn).encode()).public_key()

    @translated("signer")
    def _profile(self, signing: Signing) -> Any:
        return self._clients.signer.get_signing_profile(profileName=signing.signing_profile)

    @translated("acm")
    def _certificate(self, arn: str) -> str:
        return str(self._clients.acm.get_certificate(CertificateArn=arn)["Certificate"])

    def _signer_signature(self, signing: Signing, path: str, bucket: str, folder: str) -> bytes:
        source = f"{folder}image"
        version = self._put(path, bucket, source)
        signed = ""
        try:
            if version is None:
                raise UserMistake(
                    f"bucket {bucket} has no versioning, which AWS Signer needs",
                    hint=f"aws s3api put-bucket-versioning --bucket {bucket}"
                    " --versioning-configuration Status=Enabled",
                )
            # Signer writes to the prefix followed by the job id.
            job_id = self._start(signing, bucket, source, version, folder)
            signed = f"{folder}{job_id}"
            self._await(job_id)
            return self._signature_in(bucket, signed)
        finally:
            self._delete(bucket, source)
            if signed:
                self._delete(bucket, signed)

    @translated("s3")
    def _put(self, path: str, bucket: str, key: str) -> str | None:
        try:
            with Path(path).open("rb") as file:
                answer = self._clients.s3.put_object(Bucket=bucket, Key=key, Body=file)
        except OSError as error:
            raise LocalResourceMissing(
                f"cannot read the image {path}: {error.strerror or error}"
            ) from error
        return answer.get("VersionId")

    @translated("signer")
    def _start(self, signing: Signing, bucket: str, key: str, version: str, folder: str) -> str:
        started = self._clients.signer.start_signing_job(
            source={"s3": {"bucketName": bucket, "key": key, "version": version}},
            destination={"s3": {"bucketName": bucket, "prefix": folder}},
            profileName=signing.signing_profile,
            # One job for one image and deployment, even if the call is retried.
            clientRequestToken=hashlib.sha256(f"{folder}{version}".encode()).hexdigest(),
        )
        return str(started["jobId"])

    @translated("signer")
    def _await(self, job_id: str) -> None:
        until_ms = self._clock.monotonic_ms() + _LONGEST_MS
        while True:
            job = self._clients.signer.describe_signing_job(jobId=job_id)
            if job["status"] == "Succeeded":
                return
            if job["status"] == "Failed" or self._clock.monotonic_ms() > until_ms:
                raise AwsRefused(
                    "signer:StartSigningJob", job["status"], job.get("statusReason", "no reason")
                )
            self._clock.sleep(_POLL_SECONDS)

    @translated("s3")
    def _signature_in(self, bucket: str, key: str) -> bytes:
        body = self._clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        try:
            return base64.b64decode(json.loads(body)["signature"], validate=True)
        except (ValueError, KeyError, TypeError) as error:
            raise AwsRefused(
                "signer:StartSigningJob", "NoSignature", f"s3://{bucket}/{key} has no signature"
            ) from error

    def _delete(self, bucket: str, key: str) -> None:
        """Delete the newest version of an object, if it exists."""
        objects = S3ObjectStore(self._clients)
        found = objects.find(bucket, key)
        if found is not None:
            objects.delete(bucket, key, found.version_id)
