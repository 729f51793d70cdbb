"""Finds things in the registry and the fleet index (botocore ``iot`` ListThings, SearchIndex)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated
from otactl.errors import AwsRefused

_PAGE = 250
#: The model allows 500 (SearchQueryMaxResults); the service has been seen to refuse more than 100
#: (MiniStack, which says it measured it), so the smaller one it is.
_SEARCH_PAGE = 100

_NO_INDEX = (
    "a query needs the fleet index: `aws iot update-indexing-configuration"
    " --thing-indexing-configuration thingIndexingMode=REGISTRY`, and some minutes until it is"
    " built; --group and --all need none"
)


def all_things(clients: AwsClients) -> Iterator[str]:
    """The names of every thing of the account and region: one call for each 250."""
    config = {"PageSize": _PAGE}
    things = clients.listed("iot", "list_things", "things", PaginationConfig=config)
    return (thing["thingName"] for thing in things)


def things_matching(clients: AwsClients, query: str) -> Iterator[str]:
    """The names of the things a fleet-index query finds: one call for each 100.

    Raises:
        AwsRefused: The query is none, or fleet indexing is switched off.
    """
    token: str | None = None
    while True:
        try:
            page = _search_page(clients, query, token)
        except AwsRefused as refusal:
            # While thingIndexingMode is OFF there is no index AWS_Things.
            if refusal.is_missing or refusal.code == "IndexNotReadyException":
                refusal.hint = _NO_INDEX
            raise
        yield from (thing["thingName"] for thing in page.get("things", []))
        token = page.get("nextToken")
        if token is None:
            return


@translated("iot")
def _search_page(clients: AwsClients, query: str, token: str | None) -> Any:
    parameters: dict[str, Any] = {"queryString": query, "maxResults": _SEARCH_PAGE}
    if token is not None:
        parameters["nextToken"] = token
    return clients.iot.search_index(**parameters)
