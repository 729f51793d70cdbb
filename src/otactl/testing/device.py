"""A thing that a test connects as: registered temporarily, its certificate and key in files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from otactl.aws.clients import AwsClients


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdentity:
    """A thing and its credentials; its client id is the thing's name.

    Attributes:
        certificate_file: PEM.
        private_key_file: PEM, RSA, readable by its owner only.
    """

    thing_name: str
    certificate_file: str
    private_key_file: str


@contextmanager
def registered_device(
    clients: AwsClients, *, account_id: str, thing_name: str, directory: Path
) -> Iterator[DeviceIdentity]:
    """Register a thing with a certificate for its own topics; remove both at the block's end.

    The policy is wider than a fleet's (``otactl.aws.provisioning``): every topic of the thing, so
    that a test may try what a device should not do.

    Args:
        clients: Clients of the cloud.
        account_id: The clients' account.
        thing_name: Also the client id it must connect with.
        directory: Where its certificate and key are written.

    Raises:
        UserMistake: The clients have no region.
    """
    region, iot = clients.require_region(), clients.iot
    with ExitStack() as undo:
        iot.create_thing(thingName=thing_name)
        undo.callback(iot.delete_thing, thingName=thing_name)
        certificate = iot.create_keys_and_certificate(setAsActive=True)
        certificate_id, principal = certificate["certificateId"], certificate["certificateArn"]
        undo.callback(iot.delete_certificate, certificateId=certificate_id)
        undo.callback(iot.update_certificate, certificateId=certificate_id, newStatus="INACTIVE")
        iot.create_policy(
            policyName=thing_name,
            policyDocument=json.dumps(_own_topics(region, account_id, thing_name)),
        )
        undo.callback(iot.delete_policy, policyName=thing_name)
        iot.attach_policy(policyName=thing_name, target=principal)
        undo.callback(iot.detach_policy, policyName=thing_name, target=principal)
        iot.attach_thing_principal(thingName=thing_name, principal=principal)
        undo.callback(iot.detach_thing_principal, thingName=thing_name, principal=principal)
        yield DeviceIdentity(
            thing_name=thing_name,
            certificate_file=_keep(directory / f"{thing_name}.pem", certificate["certificatePem"]),
            private_key_file=_keep(
                directory / f"{thing_name}.key", certificate["keyPair"]["PrivateKey"]
            ),
        )


def _keep(path: Path, text: str) -> str:
    path.touch(mode=0o600)
    path.write_text(text, encoding="ascii")
    return str(path)


def _own_topics(region: str, account_id: str, thing_name: str) -> dict[str, object]:
    arn, topics = f"arn:aws:iot:{region}:{account_id}", f"$aws/things/{thing_name}/*"
    resources = {
        "iot:Connect": f"client/{thing_name}",
        "iot:Publish": f"topic/{topics}",
        "iot:Receive": f"topic/{topics}",
        "iot:Subscribe": f"topicfilter/{topics}",
    }
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": f"{arn}:{resource}"}
            for action, resource in resources.items()
        ],
    }
