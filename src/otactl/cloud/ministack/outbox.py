"""E-mails and text messages of SNS, kept in a file: what a person would have got.

``outbox.jsonl`` in the cloud's state directory has one JSON object for each: protocol, endpoint,
topic, subject, message. MiniStack only logs that there was one.

Touched: ``ministack.services.sns._fanout`` is wrapped; ``_topic_by_arn_any_scope`` and
``_matches_filter_policy`` are used as it uses them. The directory is found by the environment
variable STATE_DIR, which ``otactl.cloud.environment`` sets.
"""

# ruff: noqa: SLF001 - the private parts of MiniStack are what this file is about, see above.

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ministack.services import sns

from otactl.cloud.ministack.shape import require_parameters

OUTBOX_NAME = "outbox.jsonl"
_PROTOCOLS = frozenset({"email", "email-json", "sms"})


def install() -> None:
    """Put it in place.

    Raises:
        ShapeChanged: MiniStack delivers notifications in another way.
        KeyError: There is no state directory.
    """
    fanout = sns._fanout
    require_parameters(
        fanout,
        *("topic_arn", "msg_id", "message", "subject", "message_structure", "message_attributes"),
    )
    require_parameters(sns._matches_filter_policy, "sub", "message_attributes", "message")
    outbox = Path(os.environ["STATE_DIR"]).parent / OUTBOX_NAME

    def fanout_and_keep(  # noqa: PLR0917  # MiniStack's own parameters
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
            if sns._matches_filter_policy(subscription, attributes, message):
                _keep(outbox, topic_arn, subscription, subject, message)

    sns._fanout = fanout_and_keep


def _keep(
    outbox: Path, topic_arn: str, subscription: dict[str, Any], subject: str, message: str
) -> None:
    fields = {
        "protocol": subscription["protocol"],
        "endpoint": subscription["endpoint"],
        "topicArn": topic_arn,
        "subject": subject,
        "message": message,
    }
    with outbox.open("a", encoding="utf-8") as file:
        file.write(json.dumps(fields) + "\n")
