"""What CloudFormation would find out too late about a monitoring stack."""

from __future__ import annotations

from collections.abc import Mapping

from otactl.aws.clients import AwsClients
from otactl.aws.stack import taken_topics
from otactl.errors import UserMistake

_PREFIX = "TopicNamePrefix"
_M, _N = "DownloadTimeDatapointsToAlarm", "DownloadTimeEvaluationPeriod"


def check_stack(clients: AwsClients, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Check the parameters that a stack would have, against those it has; it may be new.

    CloudFormation cannot compare two parameters, so CloudWatch would refuse the alarm later; and
    of topics that are there already it would hear after creating half a stack.

    Raises:
        UserMistake: They cannot be.
    """
    if int(after[_M]) > int(after[_N]):
        raise UserMistake(
            f"--datapoints {after[_M]}: M out of N needs an M that is at most N, which is"
            f" {after[_N]} (--evaluation-periods)"
        )
    taken = taken_topics(clients, after[_PREFIX]) if before.get(_PREFIX) != after[_PREFIX] else ()
    if taken:
        raise UserMistake(
            f"there are topics of these names already: {', '.join(taken)}",
            hint="another stack has them; `--prefix NAME-` gives this one's topics other names",
        )
