"""Which topic rules hear of the ends of job executions in this account and region.

Each monitoring stack has a rule of its own on the same events and publishes the same metrics, so
with two of them each execution counts twice; the stack of the sample tool does so as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from otactl.aws.translate import translated

if TYPE_CHECKING:
    from otactl.aws.clients import AwsClients

EVENT_TOPICS = "$aws/events/jobExecution/"


@translated("iot")
def listening_rules(clients: AwsClients) -> list[str]:
    """The names of the rules that are switched on and hear these events."""
    pages = clients.iot.get_paginator("list_topic_rules").paginate()
    return sorted(
        rule["ruleName"]
        for page in pages
        for rule in page["rules"]
        if rule.get("topicPattern", "").startswith(EVENT_TOPICS) and not rule.get("ruleDisabled")
    )
