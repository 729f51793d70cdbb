"""The thing registry behind ``deploy.ports.Registry``, and searches in it and in the fleet index.

Source: botocore ``iot`` ListThings, ListThingsInThingGroup, SearchIndex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.machine_time import Pacer
from otactl.aws.threads import in_threads
from otactl.aws.translate import MISSING, translated
from otactl.deploy.ownership import not_ours
from otactl.errors import AwsRefused, UserMistake
from otactl.model.fleet_query import PAGE

_PAGE = 250
_NO_INDEX = (
    "a query needs the fleet index: `aws iot update-indexing-configuration"
    " --thing-indexing-configuration thingIndexingMode=REGISTRY`, and some minutes until it is"
    " built; --group and --all need none"
)
#: Enough for 100 calls a second that take 0.2 seconds each.
_FILLING_THREADS = 20
#: The error codes for a thing that is in ten groups already.
_NOT_ADDED = frozenset({"InvalidRequestException", "LimitExceededException"})


class IotRegistry:
    """The thing registry."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._filling: IotRegistry | None = None
        self._pacer = Pacer(0)

    def things_in_group(self, group_name: str) -> Iterator[str]:
        """The names of the things in a group, including its child groups."""
        listed = self._clients.listed(
            *("iot", "list_things_in_thing_group", "things"),
            thingGroupName=group_name,
            recursive=True,
            PaginationConfig={"PageSize": _PAGE},
        )
        return map(str, listed)

    @translated("iot")
    def create_group(self, group_name: str, *, description: str) -> str:
        """Create a thing group, or use an existing one with the same description."""
        # CreateThingGroup answers an identical request with the existing group, and another one
        # with ResourceAlreadyExists (botocore ``iot`` CreateThingGroup).
        try:
            answer = self._clients.iot.create_thing_group(
                thingGroupName=group_name,
                thingGroupProperties={"thingGroupDescription": description},
            )
        except self._clients.iot.exceptions.ResourceAlreadyExistsException as error:
            raise not_ours("thing group", group_name, self.group_description(group_name)) from error
        return answer["thingGroupArn"]

    @translated("iot", {MISSING: None})
    def group_description(self, group_name: str) -> str | None:
        """The description of a thing group, or None if it does not exist."""
        answer = self._clients.iot.describe_thing_group(thingGroupName=group_name)
        return answer.get("thingGroupProperties", {}).get("thingGroupDescription", "")

    @translated("iot")
    def delete_group(self, group_name: str) -> None:
        """Delete a thing group; its things stay."""
        self._clients.iot.delete_thing_group(thingGroupName=group_name)

    def add_things(
        self, group_name: str, thing_arns: Iterable[str], *, concurrency: int
    ) -> Iterator[int]:
        """Add things to a group, several calls at once; yields the number added so far."""
        add = partial(self.add_thing, group_name)
        done = in_threads(add, thing_arns, threads=concurrency, name="add-thing")
        for added, _ in enumerate(done, 1):
            yield added

    def fill_group(
        self, group_name: str, thing_arns: Sequence[str], *, per_second: int
    ) -> dict[str, str]:
        """Add things to a group at a rate of its own; returns why some cannot be added, by ARN."""
        if self._filling is None:
            self._filling = IotRegistry(self._clients.renewed(iot_interval_ms=0))
            self._pacer = Pacer(1 / per_second)
        fill = partial(self._fill, group_name)
        refusals = in_threads(fill, thing_arns, threads=_FILLING_THREADS, name="fill-group")
        return {arn: why for arn, why in zip(thing_arns, refusals, strict=True) if why is not None}

    def _fill(self, group_name: str, thing_arn: str) -> str | None:
        """Add one thing, paced; returns why it cannot be added, or None."""
        assert self._filling is not None  # noqa: S101 - made by fill_group
        self._pacer.wait()
        try:
            self._filling.add_thing(group_name, thing_arn)
        except UserMistake:
            return "it does not exist"
        except AwsRefused as refusal:
            # A thing may be in ten groups, one of a hierarchy (aws-facts A8).
            if refusal.code not in _NOT_ADDED:
                raise
            return refusal.reason
        return None

    @translated("iot")
    def add_thing(self, group_name: str, thing_arn: str) -> None:
        """Add one thing to a group.

        Raises:
            UserMistake: The thing does not exist.
            AwsRefused: The group does not exist, or AWS refuses.
        """
        try:
            self._clients.iot.add_thing_to_thing_group(
                thingGroupName=group_name, thingArn=thing_arn
            )
        except self._clients.iot.exceptions.ResourceNotFoundException as error:
            if self.group_description(group_name) is None:
                raise  # about all things, not this one
            raise UserMistake(
                f"the thing list names {thing_arn}, which does not exist",
                hint="register the thing, or take it off the list",
            ) from error


def all_things(clients: AwsClients) -> Iterator[str]:
    """The names of all things of the account and region: one call per 250."""
    config = {"PageSize": _PAGE}
    things = clients.listed("iot", "list_things", "things", PaginationConfig=config)
    return (thing["thingName"] for thing in things)


def things_matching(clients: AwsClients, query: str) -> Iterator[str]:
    """The names of the things that a fleet-index query finds: one call per 100.

    Raises:
        AwsRefused: The query is invalid, or fleet indexing is off.
    """
    return (thing["thingName"] for thing in search_index(clients, query, hint=_NO_INDEX))


def search_index(
    clients: AwsClients,
    query: str,
    *,
    hint: str,
    before_page: Callable[[], None] = lambda: None,
) -> Iterator[dict[str, Any]]:
    """The documents that a query of the fleet index finds: one call per 100.

    Args:
        hint: What to do if the index does not exist or is not ready.
        before_page: Called before each call.

    Raises:
        AwsRefused: The query is invalid, or the index is not available.
    """
    token: str | None = None
    while True:
        before_page()
        try:
            page = _search_page(clients, query, token)
        except AwsRefused as refusal:
            # While thingIndexingMode is OFF there is no index AWS_Things.
            if refusal.is_missing or refusal.code == "IndexNotReadyException":
                refusal.hint = hint
            raise
        yield from page.get("things", ())
        token = page.get("nextToken")
        if token is None:
            return


@translated("iot")
def _search_page(clients: AwsClients, query: str, token: str | None) -> Any:
    # The model allows 500 (SearchQueryMaxResults), but the service refuses more than 100 according
    # to MiniStack, which says it measured it.
    parameters: dict[str, Any] = {"queryString": query, "maxResults": PAGE}
    if token is not None:
        parameters["nextToken"] = token
    return clients.iot.search_index(**parameters)
