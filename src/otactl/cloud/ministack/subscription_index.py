"""An index over the broker's subscriptions, so that a message costs what its receivers cost.

MiniStack's ``broker_publish`` looks at every subscription of every client for every message, and
``broker_unsubscribe`` at every one for each that goes. With a thousand devices of eight filters
each that is some seventy messages a second (figures in ``docs/adr/0006-subscription-index.md``).

Touched: the dictionary ``ministack.services.iot._subscriptions`` is replaced by one that shows
these two functions only the entries that can matter; both are wrapped to say which those are.
What a filter matches is still MiniStack's own decision: the index may show too many entries, never
too few, and other code that reads the dictionary sees all of it.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ministack.services import iot

from otactl.cloud.filter_tree import FilterTree
from otactl.cloud.ministack.shape import require, require_parameters, require_source


@dataclass(slots=True)
class _Question:
    """What the function that looks next wants to know; it looks once.

    Attributes:
        subject: A topic with its scope in front, or a filter.
    """

    subject: str
    is_answered: bool = False


_published: ContextVar[_Question | None] = ContextVar("published", default=None)
_unsubscribed: ContextVar[_Question | None] = ContextVar("unsubscribed", default=None)


class SubscriptionIndex(dict[str, Any]):
    """Sets of subscriptions by topic filter, each filter with its scope in front."""

    def __init__(self) -> None:
        super().__init__()
        self._tree = FilterTree()

    def setdefault(self, topic_filter: str, default: Any = None) -> Any:
        """The subscriptions of a filter, ``default`` when there were none."""
        self._tree.add(topic_filter)
        return super().setdefault(topic_filter, default)

    def pop(self, topic_filter: str, default: Any = None) -> Any:
        """Remove a filter."""
        self._tree.discard(topic_filter)
        return super().pop(topic_filter, default)

    def clear(self) -> None:
        """Remove every filter."""
        self._tree.clear()
        super().clear()

    def values(self) -> Any:
        """Every set; for a message under way those whose filter matches it."""
        question = _unanswered(_published)
        if question is None:
            return super().values()
        return [self[topic_filter] for topic_filter in self._tree.matching(question.subject)]

    def items(self) -> Any:
        """Every entry; for a subscription that goes the one it is in."""
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


def install() -> None:
    """Put the index in place.

    Raises:
        ShapeChanged: MiniStack's broker is not the one this was written for.
    """
    require(type(iot._subscriptions) is dict, "iot._subscriptions, a plain dict")  # noqa: SLF001
    require(not iot._subscriptions, "no subscription before the start")  # noqa: SLF001
    require_parameters(iot.broker_publish, "account_id", "region", "topic", "payload")
    require_parameters(iot.broker_subscribe, "account_id", "region", "topic_filter")
    require_parameters(iot.broker_unsubscribe, "subscription_id")
    require_source(iot.broker_publish, "in _subscriptions.values()")
    require_source(iot.broker_subscribe, "_subscriptions.setdefault(")
    require_source(iot.broker_unsubscribe, "in list(_subscriptions.items())")
    require(
        iot._scoped_topic("account", "region", "topic") == "account/region/topic",  # noqa: SLF001
        "filters kept as account/region/filter",
    )
    _wrap()
    iot._subscriptions = SubscriptionIndex()  # noqa: SLF001


def _wrap() -> None:
    publish, subscribe = iot.broker_publish, iot.broker_subscribe
    unsubscribe = iot.broker_unsubscribe
    filters: dict[str, str] = {}

    @functools.wraps(publish)
    async def broker_publish(
        account_id: str, region: str, topic: str, *arguments: Any, **options: Any
    ) -> None:
        token = _published.set(_Question(f"{account_id}/{region}/{topic}"))
        try:
            await publish(account_id, region, topic, *arguments, **options)
        finally:
            _published.reset(token)

    @functools.wraps(subscribe)
    async def broker_subscribe(
        account_id: str, region: str, topic_filter: str, *arguments: Any, **options: Any
    ) -> str:
        subscription_id: str = await subscribe(
            account_id, region, topic_filter, *arguments, **options
        )
        filters[subscription_id] = f"{account_id}/{region}/{topic_filter}"
        return subscription_id

    @functools.wraps(unsubscribe)
    async def broker_unsubscribe(subscription_id: str) -> None:
        topic_filter = filters.pop(subscription_id, None)
        if topic_filter is None:
            await unsubscribe(subscription_id)
            return
        token = _unsubscribed.set(_Question(topic_filter))
        try:
            await unsubscribe(subscription_id)
        finally:
            _unsubscribed.reset(token)

    iot.broker_publish = broker_publish
    iot.broker_subscribe = broker_subscribe
    iot.broker_unsubscribe = broker_unsubscribe
