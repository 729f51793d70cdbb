"""The topics of IoT Jobs on the device side, and of its lifecycle events.

Base ``$aws/things/{thing}/jobs`` (AWS IoT Developer Guide, jobs-mqtt-api); events
``$aws/events/job/{id}/{event}`` and ``$aws/events/jobExecution/{id}/{status}`` (events-jobs).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

NEXT = "$next"

_EVENT_LEVELS = 5


class JobAnswer(StrEnum):
    """The request that a message on a jobs topic answers, or the kind of notification."""

    START_NEXT = "start-next"
    DESCRIBE = "describe"
    UPDATE = "update"
    NOTIFY = "notify"
    NOTIFY_NEXT = "notify-next"


@dataclass(frozen=True, slots=True)
class JobMessage:
    """The parsed topic of a jobs message to a device.

    Attributes:
        job_id: The job of a describe or update answer; ``$next`` stays ``$next``.
        accepted: False on a ``rejected`` topic; notifications are always accepted.
    """

    thing_name: str
    answer: JobAnswer
    accepted: bool = True
    job_id: str | None = None


class JobTopics:
    """The jobs topics of one thing.

    Args:
        thing_name: The thing; the topics embed it.
    """

    def __init__(self, thing_name: str) -> None:
        self._thing_name = thing_name
        self._base = f"$aws/things/{thing_name}/jobs"

    @property
    def start_next(self) -> str:
        """Publish here to take the next pending execution."""
        return f"{self._base}/start-next"

    def describe(self, job_id: str = NEXT) -> str:
        """Publish here to read one execution."""
        return f"{self._base}/{job_id}/get"

    def update(self, job_id: str) -> str:
        """Publish here to report the state of one execution."""
        return f"{self._base}/{job_id}/update"

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The filters that catch every answer and the notification of the next job."""
        return (
            f"{self._base}/notify-next",
            f"{self._base}/start-next/+",
            f"{self._base}/+/get/+",
            f"{self._base}/+/update/+",
        )

    def parse(self, topic: str) -> JobMessage | None:
        """Parse a received topic; None if it is not a jobs topic of this thing."""
        prefix = f"{self._base}/"
        if not topic.startswith(prefix):
            return None
        match topic.removeprefix(prefix).split("/"):
            case [("notify" | "notify-next") as verb]:
                return JobMessage(self._thing_name, JobAnswer(verb))
            case ["start-next", ("accepted" | "rejected") as outcome]:
                return JobMessage(self._thing_name, JobAnswer.START_NEXT, outcome == "accepted")
            case [job_id, "get", ("accepted" | "rejected") as outcome]:
                return JobMessage(
                    self._thing_name, JobAnswer.DESCRIBE, outcome == "accepted", job_id
                )
            case [job_id, "update", ("accepted" | "rejected") as outcome]:
                return JobMessage(self._thing_name, JobAnswer.UPDATE, outcome == "accepted", job_id)
        return None


def job_event_filters(job_id: str) -> tuple[str, str]:
    """The filters that catch the lifecycle events of a job and of its executions."""
    return f"$aws/events/job/{job_id}/#", f"$aws/events/jobExecution/{job_id}/#"


@dataclass(frozen=True, slots=True)
class EventTopic:
    """The parsed topic of a lifecycle event."""

    is_execution: bool
    job_id: str
    event: str

    @classmethod
    def parse(cls, topic: str) -> EventTopic | None:
        """Parse a topic; None if it is not one of a jobs event."""
        levels = topic.split("/")
        if len(levels) != _EVENT_LEVELS or levels[:2] != ["$aws", "events"]:
            return None
        if levels[2] not in ("job", "jobExecution"):
            return None
        return cls(levels[2] == "jobExecution", levels[3], levels[4])
