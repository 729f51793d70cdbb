"""An index of the broker's subscriptions, so that the cost of a message depends on its receivers.

MiniStack's ``broker_publish`` checks every subscription of every client for every message, and
``broker_unsubscribe`` every one for each that ends. With a thousand devices of eight filters each
this limits it to about seventy messages a second (``docs/adr/0006-subscription-index.md``).

Touched: the dictionary ``ministack.services.iot._subscriptions`` is replaced by one that returns
only the relevant entries to these two functions; both are wrapped to select them. MiniStack itself
still matches filters: the index may return too many entries, never too few, and other code that
reads the dictionary gets all of them. The scope in front of each filter avoids the matcher's rule
for topics that begin with ``$``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import iot
from paho.mqtt.matcher import MQTTMatcher

from otactl.cloud.ministack.shape import Changes, bound, require, require_source


@dataclass(slots=True)
class _Question:
    """The selection for the next read of the dictionary; used once.

    Attributes:
        subject: A topic, or a filter, with its scope in front.
    """

    subject: str
    is_answered: bool = False


_published: ContextVar[_Question | None] = ContextVar("published", default=None)
_unsubscribed: ContextVar[_Question | None] = ContextVar("unsubscribed", default=None)


class SubscriptionIndex(dict[str, Any]):
    """Sets of subscriptions by topic filter, each filter with its scope in front."""

    def __init__(self) -> None:
        super().__init__()
        self._matcher: Any = MQTTMatcher()  # type: ignore[no-untyped-call]

    def setdefault(self, topic_filter: str, default: Any = None) -> Any:
        """The subscriptions of a filter; sets and returns ``default`` if it has none."""
        self._matcher[topic_filter] = topic_filter
        return super().setdefault(topic_filter, default)

    def pop(self, topic_filter: str, default: Any = None) -> Any:
        """Remove a filter."""
        if topic_filter in self:
            del self._matcher[topic_filter]
        return super().pop(topic_filter, default)

    def clear(self) -> None:
        """Remove every filter."""
        self._matcher = MQTTMatcher()  # type: ignore[no-untyped-call]
        super().clear()

    def values(self) -> Any:
        """Every set; during a publish only those whose filter matches the topic."""
        question = _unanswered(_published)
        if question is None:
            return super().values()
        # Unique: a topic with a wildcard in it is found twice.
        return [self[one] for one in dict.fromkeys(self._matcher.iter_match(question.subject))]

    def items(self) -> Any:
        """Every entry; during an unsubscribe only that of the subscription."""
        question = _unanswered(_unsubscribed)
        if question is None:
            return super().items()
        found = self.get(question.subject)
        return [] if found is None else [(question.subject, found)]


def _unanswered(variable: ContextVar[_Question | None]) -> _Question | None:
    question = variable.get()
    if question is None or question.is_answered:
        return None
    question.is_answered = True
    return question


def install(changes: Changes) -> None:
    """Install the index."""
    require(type(iot._subscriptions) is dict, "iot._subscriptions, a plain dict")
    require(not iot._subscriptions, "no subscription before the start")
    require_source(iot.broker_publish, "in _subscriptions.values()")
    require_source(iot.broker_subscribe, "_subscriptions.setdefault(")
    require_source(iot.broker_unsubscribe, "in list(_subscriptions.items())")
    require(
        iot._scoped_topic("account", "region", "topic") == "account/region/topic",
        "filters kept as account/region/filter",
    )
    changes.put(iot, "_subscriptions", SubscriptionIndex())
    filters: dict[str, str] = {}

    @changes.within(iot, "broker_publish", "account_id", "region", "topic", "payload")
    def asking_for_receivers(*where: Any, **_: Any) -> AbstractContextManager[None]:
        return bound(_published, _Question("/".join(where[:3])))

    @changes.around(iot, "broker_subscribe", "account_id", "region", "topic_filter")
    async def broker_subscribe(subscribe: Any, *where: Any, **options: Any) -> str:
        subscription_id: str = await subscribe(*where, **options)
        filters[subscription_id] = "/".join(where[:3])
        return subscription_id

    @changes.within(iot, "broker_unsubscribe", "subscription_id")
    def asking_for_filter(subscription_id: str) -> AbstractContextManager[None]:
        topic_filter = filters.pop(subscription_id, None)
        return bound(_unsubscribed, None if topic_filter is None else _Question(topic_filter))
