"""One question at a time to the jobs service, asked again until it is answered.

A question and its repetitions carry the same token: an answer that was only late still counts,
and the answer to a repetition that was not needed is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from otactl.device.effect import AskDescribeNext, AskStartNext, Effect
from otactl.device.retry import RetryTimer


class Question(StrEnum):
    """What is asked."""

    #: Hand out the next execution, and mark it IN_PROGRESS.
    START_NEXT = "start-next"
    #: Which execution is next? Changes nothing.
    DESCRIBE_NEXT = "describe $next"


class Inquiry:
    """The question under way."""

    __slots__ = ("_again", "_new_token", "_timer", "_token", "question")

    def __init__(self, timer: RetryTimer, new_token: Callable[[], str]) -> None:
        self._timer = timer
        self._new_token = new_token
        self._token: str | None = None
        self._again = False
        self.question: Question | None = None

    @property
    def next_deadline_ms(self) -> int | None:
        """When to ask again."""
        return self._timer.deadline_ms

    def ask(self, question: Question, now_ms: int) -> list[Effect]:
        """Ask, in place of whatever was asked before."""
        self.question = question
        self._token = self._new_token()
        self._again = False
        self._timer.start(now_ms)
        return self._send()

    def ask_after(self, question: Question, now_ms: int) -> list[Effect]:
        """Ask, or, when a question is under way, ask once more after its answer.

        The answer under way may have been given before the change that is asked about.
        """
        if self.question is None:
            return self.ask(question, now_ms)
        self._again = True
        return []

    def answered(self, token: str | None) -> bool:
        """Close the question if this token is its own. False when it is not."""
        if self.question is None or token != self._token:
            return False
        self.question = None
        self._token = None
        self._timer.stop()
        return True

    def take_again(self) -> bool:
        """Whether the world changed while the question was under way; asked once."""
        again, self._again = self._again, False
        return again

    def refused(self, token: str | None, now_ms: int) -> None:
        """Ask again later."""
        if self.question is not None and token in (self._token, None):
            self._timer.expire(now_ms)

    def suspend(self) -> None:
        """The connection is gone: forget the question."""
        self.question = None
        self._token = None
        self._again = False
        self._timer.stop()

    def on_time(self, now_ms: int) -> list[Effect]:
        """Ask again if it is time."""
        if self.question is None or not self._timer.is_due(now_ms):
            return []
        self._timer.expire(now_ms)
        return self._send()

    def _send(self) -> list[Effect]:
        token = self._token or ""
        if self.question is Question.START_NEXT:
            return [AskStartNext(token)]
        return [AskDescribeNext(token)]
