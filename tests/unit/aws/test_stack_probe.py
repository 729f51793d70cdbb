"""A stack that is none of otactl's cannot be tested; that is said before anything is sent."""

from __future__ import annotations

import pytest

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.stack_probe import StackProbe
from otactl.errors import UserMistake


def test_a_stack_of_another_template_is_refused() -> None:
    clients = AwsClients(AwsSettings(region="us-east-1"))

    with pytest.raises(UserMistake, match="no output RuleName, RuleArn"):
        StackProbe(
            clients,
            {"FailureQueueUrl": "https://sqs.example/q"},
            sleep=lambda _: None,
            max_wait_seconds=1,
            poll_seconds=1,
        )
