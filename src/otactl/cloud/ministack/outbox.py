"""E-mails and text messages of SNS, written to a file.

``outbox.jsonl`` in the cloud's state directory has one JSON object for each: protocol, endpoint,
topic, subject, message. MiniStack only logs that there was one.

Touched: ``ministack.services.sns._fanout`` is wrapped; ``_topic_by_arn_any_scope`` and
``_matches_filter_policy`` are used as it uses them. The directory is that of the environment
variable STATE_DIR, which ``otactl.cloud.environment`` sets.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ministack.services import sns

from otactl.cloud.ministack.shape import Changes, require_parameters

OUTBOX_NAME = "outbox.jsonl"
_PROTOCOLS = frozenset({"email", "email-json", "sms"})


def install(changes: Changes) -> None:
    """Install it.

    Raises:
        KeyError: STATE_DIR is not set.
    """
    require_parameters(sns._matches_filter_policy, "sub", "message_attributes", "message")
    outbox = Path(os.environ["STATE_DIR"]).parent / OUTBOX_NAME

    @changes.around(
        *(sns, "_fanout"),
        *("topic_arn", "msg_id", "message", "subject", "message_structure", "message_attributes"),
    )
    def fanout_and_keep(
        fanout: Any,
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        attributes = message_attributes or {}
        fanout(topic_arn, msg_id, message, subject, message_structure, attributes, **options)
        topic = sns._topic_by_arn_any_scope(topic_arn) or {}
        for subscription in topic.get("subscriptions", ()):
            if not subscription.get("confirmed") or subscription.get("protocol") not in _PROTOCOLS:
                continue
            if not sns._matches_filter_policy(subscription, attributes, message):
                continue
            fields = {
                "protocol": subscription["protocol"],
                "endpoint": subscription["endpoint"],
                "topicArn": topic_arn,
                "subject": subject,
                "message": message,
            }
            with outbox.open("a", encoding="utf-8") as file:
                file.write(json.dumps(fields) + "\n")
