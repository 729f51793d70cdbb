from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.wire.stream_topic import PayloadFormat, StreamTopic, StreamVerb

NAMES = st.text(alphabet="abcXYZ019:_-", min_size=1)


@given(NAMES, NAMES, st.sampled_from(StreamVerb), st.sampled_from(PayloadFormat))
def test_a_topic_comes_back_as_it_went(
    thing: str, stream: str, verb: StreamVerb, payload_format: PayloadFormat
) -> None:
    topic = StreamTopic(thing, stream, verb, payload_format)

    assert StreamTopic.parse(str(topic)) == topic


@given(st.text())
def test_any_text_is_a_topic_or_none(text: str) -> None:
    topic = StreamTopic.parse(text)

    assert topic is None or str(topic) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$aws/things/t/streams/s/get",
        "$aws/things/t/streams/s/get/xml",
        "$aws/things/t/streams/s/create/json",
        "$aws/things/t/jobs/s/get/json",
        "$aws/things/t/streams/s/get/json/accepted",
        "things/t/streams/s/get/json/x",
    ],
)
def test_what_only_looks_alike_is_none(text: str) -> None:
    assert StreamTopic.parse(text) is None


def test_the_answer_goes_to_the_same_thing_stream_and_format() -> None:
    topic = StreamTopic("t", "s", StreamVerb.GET, PayloadFormat.CBOR)

    assert str(topic.with_verb(StreamVerb.DATA)) == "$aws/things/t/streams/s/data/cbor"
