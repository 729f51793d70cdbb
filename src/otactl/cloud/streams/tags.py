"""The tags of streams: TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import Any

from otactl.cloud.scope import Scope
from otactl.cloud.streams.fault import FaultKind, StreamFault
from otactl.cloud.streams.store import StreamStore

_MAX_TAGS = 50


class StreamTags:
    """Reads and changes tags.

    Args:
        store: The streams.
    """

    def __init__(self, store: StreamStore) -> None:
        self._store = store

    def list(self, scope: Scope, stream_id: str) -> dict[str, Any]:
        """The answer to ListTagsForResource.

        Raises:
            StreamFault: There is no such stream.
        """
        stream = self._store.describe(scope, stream_id)
        return {"tags": [{"Key": key, "Value": text} for key, text in stream.tags]}

    def tag(self, scope: Scope, stream_id: str, tags: Any) -> None:
        """TagResource: add tags, or give them other values.

        Raises:
            StreamFault: There is no such stream, or the tags are none.
        """
        stream = self._store.describe(scope, stream_id)
        self._store.set_tags(scope, stream_id, _checked(dict(stream.tags) | read_tags(tags)))

    def untag(self, scope: Scope, stream_id: str, keys: Any) -> None:
        """UntagResource: a key the stream does not carry is no error.

        Raises:
            StreamFault: There is no such stream, or the keys are no list.
        """
        if not isinstance(keys, list):
            raise StreamFault(FaultKind.INVALID_REQUEST, "tagKeys must be a list")
        kept = {
            key: text
            for key, text in self._store.describe(scope, stream_id).tags
            if key not in keys
        }
        self._store.set_tags(scope, stream_id, kept)


def read_tags(tags: Any) -> dict[str, str]:
    """A list of Key and Value as a dictionary.

    Raises:
        StreamFault: It is none, or there are too many.
    """
    if not isinstance(tags, list | None) or not all(
        isinstance(tag, dict)
        and isinstance(tag.get("Key"), str)
        and isinstance(tag.get("Value", ""), str)
        for tag in tags or ()
    ):
        raise StreamFault(FaultKind.INVALID_REQUEST, "tags must be a list of Key and Value")
    return _checked({tag["Key"]: tag.get("Value", "") for tag in tags or ()})


def _checked(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > _MAX_TAGS:
        raise StreamFault(FaultKind.INVALID_REQUEST, f"A stream has at most {_MAX_TAGS} tags")
    return tags
