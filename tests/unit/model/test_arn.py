"""ARNs: what is parsed comes back, and what is no target or role is refused."""

from __future__ import annotations

import pytest

from otactl.model.arn import (
    Arn,
    account_hint,
    is_region,
    parse_role_arn,
    parse_target_arn,
    parse_topic_arn,
    partition_of,
    region_hint,
    thing_arn,
    thing_group_arn,
)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iot:us-east-1:123456789012:thing/a:b_c-1",
        "arn:aws:iam::123456789012:role/path/name",
        "arn:aws-cn:s3:::bucket/key with blank",
        "arn:aws:sns:us-east-1:123456789012:topic",
    ],
)
def test_an_arn_comes_back_as_it_was(text: str):
    assert str(Arn.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "arn", "arn:aws:iot", "urn:aws:iot:r:1:x", "arn:aws:iot:a:b:c"]
)
def test_what_is_no_arn_is_refused(text: str):
    with pytest.raises(ValueError, match="is not an ARN"):
        Arn.parse(text)


def test_made_arns_are_targets():
    for arn in (
        thing_arn("eu-west-1", "123456789012", "t"),
        thing_group_arn("eu-west-1", "123456789012", "g"),
    ):
        assert parse_target_arn(str(arn)) == arn


def test_made_arns_are_of_the_partition_of_their_region():
    thing = thing_arn("cn-north-1", "123456789012", "t")
    group = thing_group_arn("us-gov-west-1", "123456789012", "g")

    assert str(thing) == "arn:aws-cn:iot:cn-north-1:123456789012:thing/t"
    assert str(group) == "arn:aws-us-gov:iot:us-gov-west-1:123456789012:thinggroup/g"


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iot:us-east-1:123456789012:job/x",
        "arn:aws:iot::123456789012:thing/x",
        "arn:aws:iot:us-east-1::thing/x",
        "arn:aws:iot:us-east-1:123456789012:thing/",
        "arn:aws:iot:us-east-1:123456789012:thing/a/b",
    ],
)
def test_what_is_no_target_is_refused(text: str):
    with pytest.raises(ValueError, match="arn:aws"):
        parse_target_arn(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::123456789012:user/x",
        "arn:aws:iam:us-east-1:123456789012:role/x",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/" + "x" * 65,
        "arn:aws:iam::123456789012:role/a b",
    ],
)
def test_what_is_no_role_is_refused(text: str):
    with pytest.raises(ValueError, match="is not"):
        parse_role_arn(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:sns::123456789012:t",
        "arn:aws:sns:us-east-1:123456789012:t.fifo",
        "arn:aws:sqs:us-east-1:123456789012:t",
    ],
)
def test_what_is_no_topic_is_refused(text: str):
    with pytest.raises(ValueError, match="is not"):
        parse_topic_arn(text)


def test_an_account_of_another_length_is_hinted_at():
    assert account_hint("arn:aws:iam::12345678:role/x") == (
        "an account id has 12 digits, this one has 8 characters"
    )
    assert account_hint("arn:aws:iam::123456789012:role/x") is None
    assert account_hint("nonsense") is None


@pytest.mark.parametrize(
    "region", ["us-east-1", "ap-southeast-7", "us-gov-west-1", "eusc-de-east-1"]
)
def test_regions_have_a_form(region: str):
    assert is_region(region)


@pytest.mark.parametrize("region", ["", "us-east", "US-EAST-1", "us_east_1", "us-east-1a", "eu-1"])
def test_other_words_are_no_regions(region: str):
    assert not is_region(region)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("us-east-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_a_region_belongs_to_a_partition(region: str, partition: str):
    assert partition_of(region) == partition


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("us-eats-1", "us-east-1?"),
        ("eu-centrall-1", "eu-central-1?"),
        ("ap-notheast-2", "ap-northeast-2?"),
        ("us-gov-wset-1", "us-gov-west-1?"),
        ("bucket", None),
        ("", None),
        ("us-zzzz-1", None),
    ],
)
def test_a_misspelt_region_is_no_region_and_the_one_meant_is_told(text: str, meant: str | None):
    assert not is_region(text)
    assert region_hint(text) == meant
