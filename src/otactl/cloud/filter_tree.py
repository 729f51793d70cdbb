"""Finds the topic filters that match a topic, without looking at all of them. Pure.

MQTT 3.1.1, section 4.7: ``+`` stands for one level, ``#`` for all that follow, its parent
included. A tree over the levels of the filters; a lookup follows at most two branches at each
level of the topic. It is asked once for every message the broker passes, hence the plain loops.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_ONE, _MANY = "+", "#"


@dataclass(slots=True)
class _Node:
    """Where a row of levels leads.

    Attributes:
        ending_here: The filter of exactly these levels.
        ending_in_many: The filter of these levels and ``#``.
    """

    children: dict[str, _Node] = field(default_factory=dict)
    ending_here: str | None = None
    ending_in_many: str | None = None

    @property
    def is_idle(self) -> bool:
        return not self.children and self.ending_here is None and self.ending_in_many is None


class FilterTree:
    """A set of topic filters."""

    def __init__(self) -> None:
        self._root = _Node()

    @property
    def is_empty(self) -> bool:
        """Whether there is no filter, and nothing left of any."""
        return self._root.is_idle

    def add(self, topic_filter: str) -> None:
        """Add a filter; one that is there already stays."""
        levels = topic_filter.split("/")
        node = self._root
        for level in levels[:-1]:
            node = node.children.setdefault(level, _Node())
        if levels[-1] == _MANY:
            node.ending_in_many = topic_filter
        else:
            node.children.setdefault(levels[-1], _Node()).ending_here = topic_filter

    def discard(self, topic_filter: str) -> None:
        """Remove a filter, and the branches that led to it alone."""
        levels = topic_filter.split("/")
        ends_in_many = levels[-1] == _MANY
        if ends_in_many:
            levels.pop()
        path = [self._root]
        for level in levels:
            child = path[-1].children.get(level)
            if child is None:
                return
            path.append(child)
        if ends_in_many:
            path[-1].ending_in_many = None
        else:
            path[-1].ending_here = None
        for parent, level, child in zip(path[-2::-1], levels[::-1], path[:0:-1], strict=True):
            if not child.is_idle:
                return
            del parent.children[level]

    def clear(self) -> None:
        """Remove every filter."""
        self._root = _Node()

    def matching(self, topic: str) -> list[str]:
        """The filters that match a topic."""
        found = []
        nodes = [self._root]
        for level in topic.split("/"):
            following = []
            for node in nodes:
                if node.ending_in_many is not None:
                    found.append(node.ending_in_many)
                for step in (level, _ONE):
                    child = node.children.get(step)
                    if child is not None:
                        following.append(child)
            nodes = following
            if not nodes:
                return found
        for node in nodes:
            if node.ending_in_many is not None:
                found.append(node.ending_in_many)
            if node.ending_here is not None:
                found.append(node.ending_here)
        return found
