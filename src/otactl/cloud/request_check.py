"""What AWS IoT refuses a request for: its model first, then the rules beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otactl.cloud.constraint import message_of, violations
from otactl.cloud.job_rule import as_sent_by_devices, job_violations


def request_problem(operation: str, shape: Any, members: Mapping[str, Any]) -> str | None:
    """The message a request is refused with; None if it is taken.

    Args:
        operation: As the model names it.
        shape: Its input, a botocore ``StructureShape``; None if it has none.
        members: What the request carries.
    """
    sent = as_sent_by_devices(members) if operation == "UpdateJobExecution" else dict(members)
    clauses = [] if shape is None else violations(shape, sent)
    if clauses:
        return message_of(clauses)
    return next(iter(job_violations(operation, sent)), None)
