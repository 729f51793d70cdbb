"""One request at a time to the jobs service, repeated until it is answered.

A request and its repetitions carry the same token: a late answer still counts, and the second
answer to a repeated request is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from otactl.device.effect import AskDescribeNext, AskStartNext, Effect
from otactl.device.retry import RetryTimer


class Question(StrEnum):
    """The kinds of request."""

    #: Start the next execution: the service sets it IN_PROGRESS.
    START_NEXT = "start-next"
    #: Read the next execution; changes nothing.
    DESCRIBE_NEXT = "describe $next"


class Inquiry:
    """The request in flight, if any."""

    __slots__ = ("_again", "_new_token", "_timer", "_token", "question")

    def __init__(self, timer: RetryTimer, new_token: Callable[[], str]) -> None:
        self._timer = timer
        self._new_token = new_token
        self._token: str | None = None
        self._again = False
        self.question: Question | None = None

    @property
    def next_deadline_ms(self) -> int | None:
        """When to repeat the request."""
        return self._timer.deadline_ms

    def ask(self, question: Question, now_ms: int) -> list[Effect]:
        """Send a request; it replaces the one in flight."""
        self.question = question
        self._token = self._new_token()
        self._again = False
        self._timer.start(now_ms)
        return self._send()

    def ask_after(self, question: Question, now_ms: int) -> list[Effect]:
        """Send a request now, or, if one is in flight, ask for another one after its answer.

        That answer may be older than the change that caused this call.
        """
        if self.question is None:
            return self.ask(question, now_ms)
        self._again = True
        return []

    def answered(self, token: str | None) -> bool:
        """Close the request with this token. False if the token is not its own."""
        if self.question is None or token != self._token:
            return False
        self.question = None
        self._token = None
        self._timer.stop()
        return True

    def take_again(self) -> bool:
        """Whether to ask again after an answer (``ask_after``); resets the mark."""
        again, self._again = self._again, False
        return again

    def refused(self, token: str | None, now_ms: int) -> None:
        """Repeat the refused request later."""
        if self.question is not None and token in (self._token, None):
            self._timer.expire(now_ms)

    def suspend(self) -> None:
        """The connection is lost: drop the request."""
        self.question = None
        self._token = None
        self._again = False
        self._timer.stop()

    def on_time(self, now_ms: int) -> list[Effect]:
        """Repeat the request if it is due."""
        if self.question is None or not self._timer.is_due(now_ms):
            return []
        self._timer.expire(now_ms)
        return self._send()

    def _send(self) -> list[Effect]:
        token = self._token or ""
        if self.question is Question.START_NEXT:
            return [AskStartNext(token)]
        return [AskDescribeNext(token)]
