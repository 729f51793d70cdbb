"""What things report, behind ``deploy.ports.ThingStates`` (botocore ``iot``, ``iot-data``).

Read from the fleet index in pages of 100, at most 15 a second (quota of SearchIndex), or thing by
thing with GetThingShadow and GetThingConnectivityData, several at once. A shadow's metadata has the
time of each value in epoch seconds; connectivity in the index has milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from otactl.aws.clients import AwsClients
from otactl.aws.machine_time import Pacer
from otactl.aws.registry import search_index
from otactl.aws.threads import in_threads
from otactl.aws.translate import MISSING, translated
from otactl.errors import AwsRefused, AwsUnreachable
from otactl.model.clock import Clock
from otactl.model.fleet_query import CALLS_PER_SECOND
from otactl.model.thing_state import READS_PER_SECOND, ThingState, VersionSource
from otactl.rules.backoff import Retry

_THREADS = 8
#: Tries to read a thing while AWS is unreachable, each with botocore's own retries.
_TRIES = 4
_INDEX = "AWS_Things"
#: A source in which no value is found.
_NO_SOURCE = VersionSource(version_path=())
_INDEX_HINT = (
    "the plan says what the fleet index lacks; `aws iot describe-index --index-name AWS_Things`"
    " says whether it is being built"
)


class IotThingStates:
    """What things report.

    Args:
        clock: Paces the calls.
    """

    def __init__(self, clients: AwsClients, clock: Clock) -> None:
        self._clients = clients
        self._sleep = clock.sleep
        self._searches, self._reads = (
            # In whole milliseconds, as the clock counts, rounded up: never more calls a second.
            Pacer(-(-1000 // per_second) / 1000, lambda: clock.monotonic_ms() / 1000, clock.sleep)
            for per_second in (CALLS_PER_SECOND, READS_PER_SECOND)
        )

    @translated("iot")
    def index_gap(self, source: VersionSource | None, *, connectivity: bool = True) -> str:
        """A message on what the fleet index lacks for a source; empty if it lacks nothing."""
        answer = self._clients.iot.get_indexing_configuration()
        configuration: Mapping[str, Any] = answer.get("thingIndexingConfiguration", {})
        mode = configuration.get("thingIndexingMode", "OFF")
        if mode == "OFF":
            # Connections are unknown then too: a caller compares the message with and without them.
            also = " and lacks connectivity (thingConnectivityIndexingMode)" if connectivity else ""
            return f"fleet indexing is off (thingIndexingMode){also}"
        lacks = []
        if source and source.shadow and source.shadow not in _named_shadows(configuration):
            lacks.append(f"the named shadow {source.shadow} (namedShadowIndexingMode, filter)")
        if source and not source.shadow and mode != "REGISTRY_AND_SHADOW":
            lacks.append("classic shadows (thingIndexingMode REGISTRY_AND_SHADOW)")
        if connectivity and configuration.get("thingConnectivityIndexingMode") != "STATUS":
            lacks.append("connectivity (thingConnectivityIndexingMode STATUS)")
        if lacks:
            return f"the fleet index lacks {' and '.join(lacks)}"
        status = self._clients.iot.describe_index(indexName=_INDEX).get("indexStatus")
        return "" if status == "ACTIVE" else f"the fleet index is {status}"

    def search(self, query: str, source: VersionSource | None) -> Iterator[ThingState]:
        """The things that a query finds: one call per 100, at most 15 a second."""
        found = search_index(
            self._clients, query, hint=_INDEX_HINT, before_page=self._searches.wait
        )
        return (_state_in_index(document, source or _NO_SOURCE) for document in found)

    @translated("iot")
    def count(self, query: str) -> int:
        """The number of things that a query finds: one call."""
        self._searches.wait()
        answer = self._clients.iot.get_statistics(queryString=query)
        return int(answer.get("statistics", {}).get("count", 0))

    def read(
        self, names: Sequence[str], source: VersionSource | None, *, connectivity: bool
    ) -> Iterator[ThingState]:
        """Things one by one, in order: a call for the shadow, another for the connection."""
        read = partial(self._read, source, connectivity)
        return in_threads(read, self._paced(names), threads=_THREADS, name="thing-state")

    def _paced(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            self._reads.wait()
            yield name

    def _read(self, source: VersionSource | None, connectivity: bool, name: str) -> ThingState:  # noqa: FBT001
        def read() -> ThingState:
            shadow = {} if source is None else self._shadow(name, source.shadow)
            connection = self._connection(name) if connectivity else {}
            attributes = self._attributes(name) if source and source.reads_attribute else {}
            return _state(name, shadow, connection, source or _NO_SOURCE, attributes)

        try:
            return Retry(self._sleep, lambda *_: None, max_tries=_TRIES).until_done(read)
        except AwsRefused as refusal:
            if isinstance(refusal, AwsUnreachable) or refusal.is_about_credentials:
                raise  # about every thing, not this one
            return ThingState(thing_name=name, unreadable=f"{refusal.code}: {refusal.reason}")

    @translated("iot", {MISSING: {}})
    def _attributes(self, name: str) -> Mapping[str, str]:
        return self._clients.iot.describe_thing(thingName=name).get("attributes", {})

    @translated("iot", {MISSING: {}})
    def _shadow(self, name: str, shadow: str) -> dict[str, Any]:
        """A thing's shadow document; empty if it has none."""
        parameters = {"thingName": name} | ({"shadowName": shadow} if shadow else {})
        answer = self._clients.iot_data.get_thing_shadow(**parameters)
        try:
            found = json.loads(answer["payload"].read())
        except ValueError as error:
            raise AwsRefused("iot:GetThingShadow", "InvalidShadow", str(error)) from error
        return found if isinstance(found, dict) else {}

    @translated("iot", {MISSING: {}, "IndexNotReadyException": {}})
    def _connection(self, name: str) -> dict[str, Any]:
        """From the index; empty if connectivity is not indexed or the thing is unknown."""
        answer = self._clients.iot.get_thing_connectivity_data(thingName=name)
        found: dict[str, Any] = {"connected": answer.get("connected")}
        if "timestamp" in answer:
            found["timestamp"] = int(answer["timestamp"].timestamp() * 1000)
        return found


def _named_shadows(configuration: Mapping[str, Any]) -> Sequence[str]:
    if configuration.get("namedShadowIndexingMode") != "ON":
        return ()
    names: Sequence[str] = configuration.get("filter", {}).get("namedShadowNames", ())
    return names


def _state_in_index(document: Mapping[str, Any], source: VersionSource) -> ThingState:
    name = document["thingName"]
    try:
        shadow = json.loads(document.get("shadow") or "{}")
    except ValueError:
        return ThingState(thing_name=name, unreadable="its shadow in the index is no JSON")
    if source.shadow:
        shadow = shadow.get("name", {}).get(source.shadow, {})
    # An index document has ``reported`` beside its metadata, not below ``state``.
    shape = {"state": shadow, "metadata": shadow.get("metadata", {})}
    connection, attributes = document.get("connectivity", {}), document.get("attributes", {})
    return _state(name, shape, connection, source, attributes)


def _state(
    name: str,
    shadow: Mapping[str, Any],
    connection: Mapping[str, Any],
    source: VersionSource,
    attributes: Mapping[str, str],
) -> ThingState:
    version, version_at_ms = _reported(shadow, source.version_path)
    boots, boots_at_ms = _reported(shadow, source.boot_count_path)
    hardware = source.hardware_path[1:]
    at_ms = connection.get("timestamp")
    return ThingState(
        thing_name=name,
        version=version,
        version_at_ms=version_at_ms,
        boots=int(boots) if boots is not None and boots.isascii() and boots.isdigit() else None,
        boots_at_ms=boots_at_ms,
        hardware=(
            attributes.get(hardware[0])
            if source.reads_attribute
            else _reported(shadow, hardware)[0]
        ),
        # A thing that never connected under its name may use another client id.
        is_connected=connection.get("connected") if at_ms is not None else None,
        connection_at_ms=at_ms,
    )


def _reported(shadow: Mapping[str, Any], path: Sequence[str]) -> tuple[str | None, int | None]:
    """A reported value as a text, and when it was written, epoch milliseconds."""
    if not path:
        return None, None
    value = _at(shadow.get("state"), ("reported", *path))
    written = _at(shadow.get("metadata"), ("reported", *path, "timestamp"))
    if value is None or isinstance(value, dict | list | bool):
        return None, None
    is_time = isinstance(written, int | float) and not isinstance(written, bool)
    return str(value), int(written * 1000) if is_time else None


def _at(found: Any, path: Sequence[str]) -> Any:
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
