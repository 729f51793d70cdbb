"""Amazon Resource Names: parsed, checked, and split into their parts.

Form and limits: ``arn:partition:service:region:account:resource`` (AWS General Reference, ARNs);
role ARNs are 20-2048 characters (botocore ``iot`` RoleArn), job targets at most 2048 (TargetArn).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from otactl.model.identifier import is_thing_group_name, is_thing_name

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>[a-z0-9-]+):(?P<region>[a-z0-9-]*)"
    r":(?P<account>\d{12}|):(?P<resource>\S.*)",
    re.ASCII,
)
_DIRECTIONS = (
    *("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"),
    "central",
)
# ``eu-central-1``, ``us-gov-west-1``, ``eusc-de-east-1``: every region ends with a direction.
_REGION = re.compile(
    rf"[a-z]{{2,4}}(?:-[a-z]{{2,12}}){{0,2}}-(?:{'|'.join(_DIRECTIONS)})-\d{{1,2}}", re.ASCII
)
_ACCOUNT = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(?P<account>[^:]*):", re.ASCII)
_TOPIC_NAME = re.compile(r"[a-zA-Z0-9_-]{1,256}", re.ASCII)
_PARTITIONS = (
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
)
_ROLE_NAME = re.compile(r"role/(?:[\x21-\x7e]+/)?[\w+=,.@-]{1,64}", re.ASCII)

MAX_ARN_LENGTH = 2048
MIN_ROLE_ARN_LENGTH = 20
ACCOUNT_ID_LENGTH = 12


@dataclass(frozen=True, slots=True, order=True)
class Arn:
    """One ARN. ``str()`` gives back exactly what was parsed."""

    partition: str
    service: str
    region: str
    account: str
    resource: str

    @classmethod
    def parse(cls, text: str) -> Arn:
        """Read an ARN.

        Raises:
            ValueError: It is not a valid ARN; the message shows the form.
        """
        match = _ARN.fullmatch(text)
        if match is None or len(text) > MAX_ARN_LENGTH:
            raise ValueError(f"{text!r} is not an ARN (arn:aws:service:region:account:resource)")
        return cls(**match.groupdict())

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def resource_type(self) -> str:
        """The part before the first slash: ``thing``, ``thinggroup``, ``role``."""
        return self.resource.partition("/")[0]

    @property
    def resource_name(self) -> str:
        """The part after the first slash."""
        return self.resource.partition("/")[2]

    @property
    def is_thing(self) -> bool:
        """Whether it names one thing."""
        return (
            self.service == "iot"
            and self.resource_type == "thing"
            and is_thing_name(self.resource_name)
        )

    @property
    def is_thing_group(self) -> bool:
        """Whether it names a thing group."""
        return (
            self.service == "iot"
            and self.resource_type == "thinggroup"
            and is_thing_group_name(self.resource_name)
        )


def parse_target_arn(text: str) -> Arn:
    """Read the ARN of a thing or a thing group, the only targets a job can have.

    Raises:
        ValueError: It is not an ARN, names something else, or lacks its region or account.
    """
    arn = Arn.parse(text)
    if not (arn.is_thing or arn.is_thing_group):
        raise ValueError(
            f"{text!r} names neither a thing (…:thing/NAME) nor a thing group (…:thinggroup/NAME)"
        )
    if not _REGION.fullmatch(arn.region) or not arn.account:
        raise ValueError(f"{text!r} lacks its region or its account")
    return arn


def parse_role_arn(text: str) -> Arn:
    """Read the ARN of an IAM role.

    Raises:
        ValueError: It is not an ARN of the form ``arn:aws:iam::ACCOUNT:role/NAME``.
    """
    arn = Arn.parse(text)
    if (
        arn.service != "iam"
        or arn.region
        or not arn.account
        or not _ROLE_NAME.fullmatch(arn.resource)
        or len(text) < MIN_ROLE_ARN_LENGTH
    ):
        raise ValueError(f"{text!r} is not the ARN of a role (arn:aws:iam::ACCOUNT:role/NAME)")
    return arn


def parse_topic_arn(text: str) -> Arn:
    """Read the ARN of an SNS topic that an alarm can notify.

    Raises:
        ValueError: It is not an ARN of the form ``arn:aws:sns:REGION:ACCOUNT:TOPIC``.
    """
    arn = Arn.parse(text)
    if (
        arn.service != "sns"
        or not _REGION.fullmatch(arn.region)
        or not arn.account
        or not _TOPIC_NAME.fullmatch(arn.resource)
    ):
        raise ValueError(f"{text!r} is not the ARN of a topic (arn:aws:sns:REGION:ACCOUNT:TOPIC)")
    return arn


def account_hint(text: str) -> str | None:
    """What is wrong with the account id of a text that otherwise looks like an ARN."""
    match = _ACCOUNT.match(text)
    if match is None or not match["account"]:
        return None
    account = match["account"]
    if account.isascii() and account.isdigit() and len(account) == ACCOUNT_ID_LENGTH:
        return None
    return f"an account id has {ACCOUNT_ID_LENGTH} digits, this one has {len(account)} characters"


def partition_of(region: str) -> str:
    """The partition a region belongs to, the second part of its ARNs."""
    return next((partition for start, partition in _PARTITIONS if region.startswith(start)), "aws")


def domain_of(region: str) -> str:
    """What the host names of a region's services end with."""
    return "amazonaws.com.cn" if partition_of(region) == "aws-cn" else "amazonaws.com"


def is_region(text: str) -> bool:
    """Whether it has the form of an AWS region, ``eu-central-1``."""
    return _REGION.fullmatch(text) is not None


def region_hint(text: str) -> str | None:
    """The region that a misspelt one may mean: ``us-east-1`` for ``us-eats-1``."""
    *before, direction, number = ["", *text.lower().split("-")]
    near = get_close_matches(direction, _DIRECTIONS, n=1)
    meant = "-".join([*before[1:], *near, number])
    return f"{meant}?" if near and is_region(meant) else None


def thing_arn(region: str, account: str, thing_name: str) -> Arn:
    """The ARN of a thing."""
    return Arn(partition_of(region), "iot", region, account, f"thing/{thing_name}")


def thing_group_arn(region: str, account: str, group_name: str) -> Arn:
    """The ARN of a thing group."""
    return Arn(partition_of(region), "iot", region, account, f"thinggroup/{group_name}")
