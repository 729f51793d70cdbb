"""The fleet index, with named shadows, metadata, connectivity, index status, and a lag.

MiniStack's index has only the classic shadow's values, is always ACTIVE, and has no lag.

- The configuration selects what is indexed: the classic shadow with REGISTRY_AND_SHADOW, a named
  one if namedShadowIndexingMode is ON and the filter names it, connectivity with STATUS (AWS guide,
  managing-index). A document has the shadow as a JSON text, named ones below ``name``, each with
  its metadata.
- A BUILDING index refuses queries; a REBUILDING one answers by the previous configuration (ibid.).
  With the mode OFF no index exists.
- Changes of the last ``lag`` cloud seconds are not in it yet.
- GetThingConnectivityData has no lag; connectivity must be indexed (AWS guide,
  device-connectivity-status).

Touched, in ``ministack.services.iot``: ``_search_index``, ``_describe_index`` and
``_update_indexing_configuration`` are replaced or wrapped, ``handle_request`` is wrapped for
GetStatistics and GetThingConnectivityData; with a lag, the functions of ``_CHANGES``, which change
a thing, are wrapped. ``_things``, ``_shadows`` and ``_thing_connectivity`` are read.
"""

from __future__ import annotations

import copy
import itertools
import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.index_query import InvalidQuery, Term, parse
from otactl.cloud.ministack.answer import REQUEST, account, fields_of, refused
from otactl.cloud.ministack.shape import Changes, require_parameters
from otactl.cloud.page_token import page_token, read_token
from otactl.cloud.scope import Scope

_INDEX = "AWS_Things"
_PAGE = 100
_CONNECTIVITY = re.compile(r"/things/([^/]+)/connectivity-data")
#: The functions that change a thing, and the argument of each that names it.
_CHANGES = {
    "update_thing_shadow": "thing_name",
    "delete_thing_shadow": "thing_name",
    "_register_client": "client_id",
    "_deregister_client": "client_id",
    "_create_thing": "name",
    "_update_thing": "name",
    "_delete_thing": "name",
    "_add_thing_to_group": "payload",
    "_remove_thing_from_group": "payload",
}


@dataclass(frozen=True, slots=True)
class _Query:
    terms: list[Term]
    configuration: dict[str, Any]
    documents: Callable[[int], Iterator[dict[str, Any]]]

    def matches(self, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """The matching things from a position on, with their positions."""
        for position, whole in enumerate(self.documents(start), start):
            document = _indexed(whole, self.configuration)
            if all(term.matches(document) for term in self.terms):
                yield position, document


class FleetIndex:
    """The index of each account and region.

    Args:
        lag_seconds: Cloud seconds from a change until the index has it.
        build_seconds: Cloud seconds from a changed configuration until it is in force.
    """

    def __init__(self, lag_seconds: float = 0, build_seconds: float = 0) -> None:
        self._lag_seconds = lag_seconds
        self._build_seconds = build_seconds
        #: When a new configuration will be in force, and the previous one.
        self._building: dict[Scope, tuple[float, dict[str, Any]]] = {}
        self._changes: deque[tuple[float, Scope, str, dict[str, Any] | None]] = deque()
        self._late: dict[Scope, dict[str, dict[str, Any]]] = {}

    def install(self, changes: Changes) -> None:
        """Install the index."""
        require_parameters(iot._thing_connectivity, "account_id", "region", "thing_name")
        require_parameters(iot._compute_delta, "desired", "reported")
        require_parameters(iot._membership_names, "payload")
        for name, argument in _CHANGES.items():
            before = ("account_id", "region") if argument == "client_id" else ()
            require_parameters(getattr(iot, name), *before, argument)
            if self._lag_seconds:
                changes.within(iot, name)(partial(self._noting, len(before)))
        changes.put(iot, "_search_index", self._search, "payload")
        self._change_configuration(changes)

        @changes.around(iot, "handle_request", *REQUEST)
        async def handle_request(
            handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
        ) -> Any:
            if (method, path) == ("POST", "/indices/statistics"):
                return self._statistics(json.loads(body))
            thing = _CONNECTIVITY.fullmatch(path) if method == "POST" else None
            if thing is None:
                return await handle(method, path, headers, body, query)
            return self._connectivity(unquote(thing[1]))

    def _change_configuration(self, changes: Changes) -> None:
        @changes.around(iot, "_update_indexing_configuration", "payload")
        def update_configuration(update: Any, payload: dict[str, Any]) -> Any:
            before = iot._indexing_configuration()
            answer = update(payload)
            if iot._indexing_configuration() != before:
                ready_at = time.time() + self._build_seconds
                self._building[account()] = (ready_at, before["thingIndexingConfiguration"])
                for name in iot._things if self._lag_seconds else ():
                    self._note(account(), name)
            return answer

        @changes.around(iot, "_describe_index", "path")
        def describe_index(describe: Any, path: str) -> Any:
            answer = describe(path)
            fields = fields_of(answer)
            if "indexStatus" not in fields:
                return answer
            body = json.dumps(fields | {"indexStatus": self._configuration()[0]}).encode()
            return *answer[:2], body

    def _configuration(self) -> tuple[str, dict[str, Any]]:
        """The index's status, and the thing indexing configuration in force."""
        asked_for = iot._indexing_configuration()["thingIndexingConfiguration"]
        ready_at, before = self._building.get(account(), (0.0, {}))
        if asked_for["thingIndexingMode"] == "OFF":
            return "OFF", asked_for
        if time.time() >= ready_at:
            return "ACTIVE", asked_for
        was_off = before["thingIndexingMode"] == "OFF"
        return ("BUILDING" if was_off else "REBUILDING"), before

    def _search(self, payload: dict[str, Any]) -> Any:
        """SearchIndex."""
        found = self._query(payload)
        if isinstance(found, tuple):
            return found
        size = payload.get("maxResults", _PAGE)
        start = read_token(_INDEX, payload.get("nextToken") or None)
        if size > _PAGE or start is None:
            message = f"maxResults is at most {_PAGE}" if start is not None else "Invalid nextToken"
            return refused(message)
        things: list[dict[str, Any]] = []
        for position, document in found.matches(start):
            if len(things) == size:
                return json_response({"things": things, "nextToken": page_token(_INDEX, position)})
            if "shadow" in document:
                document["shadow"] = json.dumps(document["shadow"])
            things.append(document)
        return json_response({"things": things})

    def _statistics(self, payload: dict[str, Any]) -> Any:
        """GetStatistics, with the count only."""
        found = self._query(payload)
        if isinstance(found, tuple):
            return found
        return json_response({"statistics": {"count": sum(1 for _ in found.matches(0))}})

    def _query(self, payload: dict[str, Any]) -> Any:
        """The ``_Query`` of a request, or the answer that refuses it."""
        status, configuration = self._configuration()
        index = payload.get("indexName") or _INDEX
        if status == "OFF" or index != _INDEX:
            return refused(f"Index {index} does not exist", "ResourceNotFoundException", 404)
        if status == "BUILDING":
            return _not_ready()
        try:
            terms = parse(payload.get("queryString") or "")
            _refuse_unindexed(terms, configuration)
        except InvalidQuery as problem:
            return refused(str(problem), "InvalidQueryException")
        return _Query(terms, configuration, self._documents)

    def _documents(self, start: int) -> Iterator[dict[str, Any]]:
        """The documents of the account's things, from a position."""
        if not self._lag_seconds:
            for name in itertools.islice(iot._things, start, None):
                yield _document(name)
            return
        latest = time.time() - self._lag_seconds
        while self._changes and self._changes[0][0] <= latest:
            _, scope, name, document = self._changes.popleft()
            things = self._late.setdefault(scope, {})
            things[name] = document or {}
            if document is None:
                del things[name]
        yield from itertools.islice(self._late.get(account(), {}).values(), start, None)

    @contextmanager
    def _noting(self, position: int, *arguments: Any, **_: Any) -> Iterator[None]:
        """Record the thing's document for later, after a function has changed it."""
        yield
        named = arguments[position]
        # Connections pass their account; other changes run in the thing's scope.
        scope = account() if position == 0 else Scope(*arguments[:2])
        self._note(scope, named if isinstance(named, str) else iot._membership_names(named)[1])

    def _note(self, scope: Scope, name: str) -> None:
        with iot.request_scope(*scope):
            document = copy.deepcopy(_document(name)) if name in iot._things else None
        self._changes.append((time.time(), scope, name, document))

    def _connectivity(self, name: str) -> Any:
        """GetThingConnectivityData."""
        status, configuration = self._configuration()
        if status in ("OFF", "BUILDING") or not _has_connectivity(configuration):
            return _not_ready()
        if name not in iot._things:
            return iot._error_not_found("Thing", name)
        found = iot._thing_connectivity(*account(), name)
        answer = {"thingName": name, "connected": found["connected"]}
        if "timestamp" in found:
            answer["timestamp"] = found["timestamp"] / 1000
            reason = "NONE" if found["connected"] else "UNKNOWN"
            answer["disconnectReason"] = found.get("disconnectReason") or reason
        return json_response(answer)


def _not_ready() -> Any:
    return refused(f"The index {_INDEX} is not ready, or lacks this", "IndexNotReadyException")


def _has_connectivity(configuration: Mapping[str, Any]) -> bool:
    return configuration.get("thingConnectivityIndexingMode") == "STATUS"


def _named_shadows(configuration: Mapping[str, Any]) -> list[str]:
    if configuration.get("namedShadowIndexingMode") != "ON":
        return []
    return list((configuration.get("filter") or {}).get("namedShadowNames") or ())


def _refuse_unindexed(terms: list[Term], configuration: Mapping[str, Any]) -> None:
    for term in terms:
        head, rest = term.path[0], term.path[1:]
        if head == "connectivity" and not _has_connectivity(configuration):
            raise InvalidQuery("thingConnectivityIndexingMode is OFF")
        if head != "shadow":
            continue
        if rest[0] == "name":
            if rest[1] not in _named_shadows(configuration):
                raise InvalidQuery(f"The named shadow {rest[1]} is not indexed")
        elif configuration["thingIndexingMode"] != "REGISTRY_AND_SHADOW":
            raise InvalidQuery("thingIndexingMode is not REGISTRY_AND_SHADOW")


def _document(name: str) -> dict[str, Any]:
    """Everything about a thing that can be indexed."""
    thing = iot._things[name]
    document = {
        "thingName": name,
        "thingId": thing.get("thingId", name),
        "thingGroupNames": list(thing.get("thingGroupNames") or ()),
        "attributes": thing.get("attributes") or {},
        "connectivity": iot._thing_connectivity(*account(), name),
    }
    if thing.get("thingTypeName"):
        document["thingTypeName"] = thing["thingTypeName"]
    return document | {"shadow": _shadows(name)}


def _shadows(name: str) -> dict[str, Any]:
    """The shadows of a thing by name; the classic shadow's name is empty."""
    asked_for = iot._indexing_configuration()["thingIndexingConfiguration"]
    found = {}
    for shadow in ("", *_named_shadows(asked_for)):
        record = iot._shadows.get((name, shadow))
        if record is None or record.get("deleted"):
            continue
        state, metadata = record["state"], record.get("metadata", {})
        found[shadow] = {key: state[key] for key in ("desired", "reported") if state.get(key)} | {
            "metadata": {key: part for key, part in metadata.items() if part},
            "hasDelta": bool(
                iot._compute_delta(state.get("desired", {}), state.get("reported", {}))
            ),
            "version": record["version"],
        }
    return found


def _indexed(whole: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The indexed part of a document, with the shadows in AWS's form."""
    document = {key: part for key, part in whole.items() if key not in ("shadow", "connectivity")}
    shadows: dict[str, Any] = whole["shadow"]
    shadow: dict[str, Any] = {}
    if configuration["thingIndexingMode"] == "REGISTRY_AND_SHADOW":
        shadow |= shadows.get("", {})
    names = [name for name in _named_shadows(configuration) if name in shadows]
    if names:
        shadow["name"] = {name: shadows[name] for name in names}
    if shadow:
        document["shadow"] = shadow
    if _has_connectivity(configuration):
        document["connectivity"] = whole["connectivity"]
    return document
