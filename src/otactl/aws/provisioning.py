"""Things, certificates, groups and a policy for a fleet of virtual devices (botocore ``iot``).

Everything a fleet owns is marked: things and groups have its id as an attribute, the policy in its
name. Creation is idempotent: a second run completes a partial fleet. Deletion removes only what
has the mark, complete or not. Keys are not created here: the caller passes certificate signing
requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from otactl.aws.certificates import Certificate, Certificates, eventually
from otactl.aws.clients import AwsClients
from otactl.aws.threads import in_threads
from otactl.aws.translate import EXISTS, MISSING, translated
from otactl.errors import AwsRefused, UserMistake
from otactl.model.thing_state import PACKAGE_SHADOW
from otactl.wire.shadow_message import shadow_update_topic

# ``${iot:Connection.Thing.ThingName}`` is the thing whose certificate connects with the thing's
# name as client id (IoT Developer Guide, thing-policy-variables). Without such a thing the variable
# has no value, and nothing matches.

_THING = "${iot:Connection.Thing.ThingName}"
_JOBS = f"$aws/things/{_THING}/jobs"
_STREAMS = f"$aws/things/{_THING}/streams"
_REQUESTS = (
    f"{_JOBS}/start-next",
    f"{_JOBS}/get",
    f"{_JOBS}/*/get",
    f"{_JOBS}/*/update",
    f"{_STREAMS}/*/get/*",
    f"{_STREAMS}/*/describe/*",
)
_ALLOWED = {
    "iot:Connect": (f"client/{_THING}",),
    "iot:Receive": (f"topic/{_JOBS}/*", f"topic/{_STREAMS}/*"),
    "iot:Subscribe": (f"topicfilter/{_JOBS}/*", f"topicfilter/{_STREAMS}/*"),
}


MARK = "otactlFleet"
#: Concurrent calls. The registry's API allows tens of calls a second; botocore retries throttled
#: calls with backoff.
CONCURRENCY = 8
_PAGE = 250


class ThingProvisioner:
    """Creates and deletes one fleet.

    Args:
        fleet_id: The fleet's mark.
        policy_name: The policy of its certificates.
    """

    def __init__(self, clients: AwsClients, *, fleet_id: str, policy_name: str) -> None:
        self._clients = clients
        self._certificates = Certificates(clients)
        self._mark = {MARK: fleet_id}
        self._policy_name = policy_name

    # Its name has the fleet's id: an existing one is ours, from an earlier attempt.
    @translated("iot", {EXISTS: None})
    def create_policy(
        self, *, partition: str, region: str, account: str, shadows: Sequence[str] = ()
    ) -> None:
        """Create the policy of every device of the fleet, unless it exists.

        Args:
            shadows: Named shadows that devices write beside the classic one and ``$package``.
        """
        base = f"arn:{partition}:iot:{region}:{account}"
        reports = [shadow_update_topic(_THING, name) for name in ("", PACKAGE_SHADOW, *shadows)]
        publish = tuple(dict.fromkeys(f"topic/{topic}" for topic in (*_REQUESTS, *reports)))
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": [f"{base}:{name}" for name in names]}
            for action, names in (_ALLOWED | {"iot:Publish": publish}).items()
        ]
        document = {"Version": "2012-10-17", "Statement": statements}
        self._clients.iot.create_policy(
            policyName=self._policy_name, policyDocument=json.dumps(document)
        )

    @translated("iot", {EXISTS: None})
    def create_group(self, group_name: str) -> None:
        """Create a thing group, or use the existing one.

        A group without our mark is used but never deleted.
        """
        self._clients.iot.create_thing_group(
            thingGroupName=group_name,
            thingGroupProperties={"attributePayload": {"attributes": self._mark}},
        )

    def create_things(
        self,
        things: Iterable[str],
        *,
        groups_of: Callable[[str], Iterable[str]],
        known_certificate: Callable[[str], str | None],
        make_request: Callable[[str], str],
        keep: Callable[[str, Certificate], None],
    ) -> Iterator[str]:
        """Create things with a certificate each, several at once.

        Args:
            groups_of: The groups that a thing joins.
            known_certificate: The ARN of a thing's certificate from an earlier attempt.
            make_request: The signing request for a thing, PEM.
            keep: Called with each certificate as soon as it exists, and again for a known one:
                the earlier attempt may have been killed halfway through keeping it.

        Yields:
            Each thing's name when it is complete.

        Raises:
            UserMistake: A thing of that name exists and is not of this fleet.
        """

        @translated("iot")
        def create(thing_name: str) -> str:
            self._create_thing(thing_name)
            arn = known_certificate(thing_name)
            certificate = None if arn is None else self._certificates.active(arn)
            if arn is not None and certificate is None:
                # Its removal was interrupted. Once another one is kept, its ARN is lost.
                self._certificates.delete(arn)
            if certificate is None:
                certificate = self._certificates.sign(make_request(thing_name))
            keep(thing_name, certificate)
            self._certificates.attach(
                certificate.arn, policy_name=self._policy_name, thing_name=thing_name
            )
            for group_name in groups_of(thing_name):
                self._clients.iot.add_thing_to_thing_group(
                    thingName=thing_name, thingGroupName=group_name
                )
            return thing_name

        return in_threads(create, things, threads=CONCURRENCY, name="provision")

    def delete_things(
        self, things: Iterable[str], *, known_certificate: Callable[[str], str | None]
    ) -> Iterator[str]:
        """Delete things and their certificates, several at once; yields each name when done.

        A thing without the fleet's mark is kept.
        """
        certificates = self._certificates

        @translated("iot")
        def delete(thing_name: str) -> str:
            if self._is_ours(thing_name):
                for arn in certificates.of_thing(thing_name):
                    certificates.detach(arn, thing_name)
                    if certificates.has_policy(arn, self._policy_name):
                        certificates.delete(arn)
                eventually(lambda: self._clients.iot.delete_thing(thingName=thing_name))
            if (known := known_certificate(thing_name)) is not None:
                certificates.delete(known)
            return thing_name

        return in_threads(delete, things, threads=CONCURRENCY, name="provision")

    @translated("iot")
    def delete_groups(self, groups: Iterable[str]) -> None:
        """Delete the groups that have the fleet's mark."""
        for group_name in groups:
            if self._group_is_ours(group_name):
                self._clients.iot.delete_thing_group(thingGroupName=group_name)

    @translated("iot", {MISSING: None})
    def delete_policy(self) -> None:
        """Delete the policy, and every certificate that still has it."""
        for principal in self._policy_targets():
            self._certificates.delete(principal)
        eventually(lambda: self._clients.iot.delete_policy(policyName=self._policy_name))

    def delete_stray_certificates(self, public_keys: Collection[bytes], since_ms: int) -> int:
        """Delete certificates of the fleet that are attached to nothing.

        A process killed between creating and attaching a certificate leaves one that only its
        public key identifies.

        Args:
            public_keys: Of the things whose certificate is unknown; DER.
            since_ms: When the fleet was begun, epoch milliseconds; older ones are skipped.

        Returns:
            The number deleted.
        """
        certificates = self._certificates
        strays = [
            arn
            for arn in certificates.since(since_ms)
            if certificates.public_key(arn) in public_keys
        ]
        for arn in strays:
            certificates.delete(arn)
        return len(strays)

    @translated("iot")
    def _create_thing(self, thing_name: str) -> None:
        iot = self._clients.iot
        try:
            iot.create_thing(thingName=thing_name, attributePayload={"attributes": self._mark})
        except iot.exceptions.ResourceAlreadyExistsException as error:
            if not self._is_ours(thing_name):
                raise UserMistake(
                    f"a thing named {thing_name} exists and is not of this fleet",
                    hint="choose another --prefix",
                ) from error

    @translated("iot", {MISSING: False})
    def _is_ours(self, thing_name: str) -> bool:
        attributes = self._clients.iot.describe_thing(thingName=thing_name).get("attributes", {})
        return attributes.items() >= self._mark.items()

    @translated("iot", {MISSING: False})
    def _group_is_ours(self, group_name: str) -> bool:
        answer = self._clients.iot.describe_thing_group(thingGroupName=group_name)
        payload = answer.get("thingGroupProperties", {}).get("attributePayload", {})
        return payload.get("attributes", {}).items() >= self._mark.items()

    def _policy_targets(self) -> list[str]:
        listed = self._clients.listed(
            *("iot", "list_targets_for_policy", "targets"),
            policyName=self._policy_name,
            PaginationConfig={"PageSize": _PAGE},
        )
        try:
            return [target for target in map(str, listed) if ":cert/" in target]
        except AwsRefused as refusal:
            if not refusal.is_missing:
                raise
            return []
