"""The jobs topics of a thing: what is published, what is subscribed to, what is understood."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.wire.job_topic import EventTopic, JobAnswer, JobMessage, JobTopics, job_event_filters

TOPICS = JobTopics("pump-7")
BASE = "$aws/things/pump-7/jobs"


def _matches(topic_filter: str, topic: str) -> bool:
    """MQTT's own matching, for filters without ``#`` (MQTT 3.1.1, section 4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    return len(wanted) == len(levels) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )


def test_requests_go_where_the_service_listens() -> None:
    assert TOPICS.start_next == f"{BASE}/start-next"
    assert TOPICS.describe() == f"{BASE}/$next/get"
    assert TOPICS.describe("job-1") == f"{BASE}/job-1/get"
    assert TOPICS.update("job-1") == f"{BASE}/job-1/update"


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("notify-next", JobMessage("pump-7", JobAnswer.NOTIFY_NEXT)),
        ("notify", JobMessage("pump-7", JobAnswer.NOTIFY)),
        ("start-next/accepted", JobMessage("pump-7", JobAnswer.START_NEXT)),
        ("start-next/rejected", JobMessage("pump-7", JobAnswer.START_NEXT, accepted=False)),
        ("$next/get/accepted", JobMessage("pump-7", JobAnswer.DESCRIBE, job_id="$next")),
        ("j/update/rejected", JobMessage("pump-7", JobAnswer.UPDATE, accepted=False, job_id="j")),
        # A job may be named like a verb; the number of levels shows the difference.
        ("get/get/accepted", JobMessage("pump-7", JobAnswer.DESCRIBE, job_id="get")),
        ("start-next", None),
        ("get/accepted", None),
        ("j/update", None),
        ("j/delete/accepted", None),
        ("j/update/perhaps", None),
        ("j/get/accepted/more", None),
    ],
)
def test_a_received_topic_is_understood_or_left_alone(
    topic: str, expected: JobMessage | None
) -> None:
    assert TOPICS.parse(f"{BASE}/{topic}") == expected


@pytest.mark.parametrize(
    "answer",
    [
        "notify-next",
        "start-next/accepted",
        "start-next/rejected",
        "$next/get/accepted",
        "job-1/get/rejected",
        "job-1/update/accepted",
        "job-1/update/rejected",
    ],
)
def test_every_answer_a_device_waits_for_is_subscribed_to(answer: str) -> None:
    topic = f"{BASE}/{answer}"

    assert sum(_matches(topic_filter, topic) for topic_filter in TOPICS.subscriptions) == 1


def test_the_subscriptions_do_not_bring_back_a_devices_own_requests() -> None:
    own = [TOPICS.start_next, TOPICS.describe(), TOPICS.update("job-1")]

    assert not [
        (topic_filter, topic)
        for topic_filter in TOPICS.subscriptions
        for topic in own
        if _matches(topic_filter, topic)
    ]


@given(st.text())
def test_no_topic_breaks_the_parser(topic: str) -> None:
    TOPICS.parse(topic)
    TOPICS.parse(f"{BASE}/{topic}")
    EventTopic.parse(topic)


def test_another_things_topic_is_not_ours() -> None:
    assert TOPICS.parse("$aws/things/pump-77/jobs/notify-next") is None
    assert TOPICS.parse("$aws/things/pump-7/jobs-other/notify-next") is None


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ("$aws/events/job/j/completed", EventTopic(False, "j", "completed")),  # noqa: FBT003  # by position, as parsed
        ("$aws/events/jobExecution/j/failed", EventTopic(True, "j", "failed")),  # noqa: FBT003  # by position, as parsed
        ("$aws/events/thing/j/created", None),
        ("$aws/events/job/j", None),
        ("aws/events/job/j/completed", None),
    ],
)
def test_event_topics_are_taken_apart(topic: str, expected: EventTopic | None) -> None:
    assert EventTopic.parse(topic) == expected


def test_event_filters_name_the_job() -> None:
    assert job_event_filters("j") == ("$aws/events/job/j/#", "$aws/events/jobExecution/j/#")
