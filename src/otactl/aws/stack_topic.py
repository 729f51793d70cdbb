"""The names of the monitoring stack's topics, and whether somebody else has them already.

A topic's name is unique in an account and region. A second stack, or the one of the sample tool,
takes the same three names; deleting either would then silence the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.aws.identity import account_of
from otactl.aws.translate import translated
from otactl.model.arn import partition_of

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients

#: As the manual names them; a test keeps the template equal.
TOPIC_NAMES = ("email-notification", "sms-notification", "ota-force-stopper")


def taken_topics(clients: AwsClients, prefix: str) -> list[str]:
    """The names among the stack's that topics of this account and region have."""
    region = clients.region or ""
    start = f"arn:{partition_of(region)}:sns:{region}:{account_of(clients)}"
    return [prefix + name for name in TOPIC_NAMES if _exists(clients, f"{start}:{prefix}{name}")]


@translated("sns")
def _exists(clients: AwsClients, topic_arn: str) -> bool:
    try:
        clients.sns.get_topic_attributes(TopicArn=topic_arn)
    except clients.sns.exceptions.NotFoundException:
        return False
    return True
