"""Rules of AWS IoT Jobs that botocore's models cannot express, for HTTP and MQTT alike. Pure.

Sources: aws-facts A1 (document), B (rollout), C (abort), D (timeouts), E1 (statusDetails); the
limits themselves are in ``model.limits``, which also checks the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from otactl.cloud.constraint import message_of, violations
from otactl.model.limits import IN_PROGRESS_TIMEOUT_MINUTES, MAXIMUM_PER_MINUTE
from otactl.wire.placeholder import MAX_SUBSTITUTIONS, START

#: Discards the step timer; UpdateJobExecution only (facts D).
_DISCARD = -1
_WITH_STATUS_DETAILS = ("StartNextPendingJobExecution", "UpdateJobExecution", "CancelJobExecution")
#: The ARNs of AWS's own job templates have no account.
_MANAGED_TEMPLATE = re.compile(r"arn:[a-z-]+:iot:[^:]*::jobtemplate/.+")
#: Pairs of statusDetails, and the length of a value in the model's documentation (facts E1).
_MAX_STATUS_DETAILS = 10
_MAX_STATUS_DETAIL_LENGTH = 1024


def as_sent_by_devices(members: Mapping[str, Any]) -> dict[str, Any]:
    """A report with expectedVersion as a number; AWS's own device library sends it as text.

    Args:
        members: Of UpdateJobExecution, as received.
    """
    version = members.get("expectedVersion")
    if isinstance(version, str) and re.fullmatch(r"\d{1,18}", version, re.ASCII):
        return dict(members) | {"expectedVersion": int(version)}
    return dict(members)


def job_violations(operation: str, members: Mapping[str, Any]) -> Iterator[str]:
    """The violated rules, one message each.

    Args:
        operation: Its name in the model.
        members: The request, which fits its shape.
    """
    if operation in ("CreateJob", "UpdateJob", "CreateJobTemplate"):
        yield from _policy_violations(members)
    if operation == "CreateJob":
        yield from _document_violations(members)
    if operation in _WITH_STATUS_DETAILS:
        yield from _report_violations(operation, members)


def _policy_violations(members: Mapping[str, Any]) -> Iterator[str]:
    rollout = members.get("jobExecutionsRolloutConfig") or {}
    maximum = rollout.get("maximumPerMinute")
    if maximum is not None and maximum not in MAXIMUM_PER_MINUTE:
        yield f"maximumPerMinute must be {MAXIMUM_PER_MINUTE}."
    rate = rollout.get("exponentialRate")
    if rate is not None:
        yield from _rate_violations(rate, maximum)
    for criterion in (members.get("abortConfig") or {}).get("criteriaList") or ():
        if criterion["thresholdPercentage"] <= 0:
            yield "thresholdPercentage must be greater than 0."
    # DescribeJob returns an empty timeoutConfig; CreateJob must accept it.
    minutes = (members.get("timeoutConfig") or {}).get("inProgressTimeoutInMinutes")
    if minutes is not None and minutes not in IN_PROGRESS_TIMEOUT_MINUTES:
        yield f"inProgressTimeoutInMinutes must be {IN_PROGRESS_TIMEOUT_MINUTES}."


def _rate_violations(rate: Mapping[str, Any], maximum: int | None) -> Iterator[str]:
    if maximum is None:
        yield "maximumPerMinute is required if exponentialRate is given."
    elif rate["baseRatePerMinute"] >= maximum:
        yield "baseRatePerMinute must be less than maximumPerMinute."
    criteria = rate["rateIncreaseCriteria"]
    given = [
        name
        for name in ("numberOfNotifiedThings", "numberOfSucceededThings")
        if criteria.get(name) is not None
    ]
    if len(given) != 1:
        yield (
            "rateIncreaseCriteria needs exactly one of numberOfNotifiedThings and"
            " numberOfSucceededThings."
        )


def _document_violations(members: Mapping[str, Any]) -> Iterator[str]:
    given = [name for name in ("document", "documentSource") if members.get(name) is not None]
    if len(given) > 1:
        yield "Only one of document and documentSource may be given."
    elif not given and members.get("jobTemplateArn") is None:
        yield "One of document, documentSource and jobTemplateArn must be given."
    template = members.get("jobTemplateArn") or ""
    if members.get("documentParameters") and not _MANAGED_TEMPLATE.fullmatch(template):
        yield "documentParameters can only be used with a template that AWS manages."


def document_problem(document: str) -> str | None:
    """Why the service refuses a job document, of a request, from S3 or of a template."""
    if len(START.findall(document)) > MAX_SUBSTITUTIONS:
        return f"A job document must have at most {MAX_SUBSTITUTIONS} substitutions."
    return None


def _report_violations(operation: str, members: Mapping[str, Any]) -> Iterator[str]:
    minutes = members.get("stepTimeoutInMinutes")
    may_discard = operation == "UpdateJobExecution" and minutes == _DISCARD
    if minutes is not None and not may_discard and minutes not in IN_PROGRESS_TIMEOUT_MINUTES:
        yield f"stepTimeoutInMinutes must be {IN_PROGRESS_TIMEOUT_MINUTES}."
    details = members.get("statusDetails") or {}
    if len(details) > _MAX_STATUS_DETAILS:
        yield f"statusDetails must have at most {_MAX_STATUS_DETAILS} pairs."
    if any(len(value) > _MAX_STATUS_DETAIL_LENGTH for value in details.values()):
        yield f"A value of statusDetails must have at most {_MAX_STATUS_DETAIL_LENGTH} characters."


def request_problem(operation: str, shape: Any, members: Mapping[str, Any]) -> str | None:
    """The message that refuses a request; None if it is accepted.

    Args:
        operation: Its name in the model.
        shape: Its input, a botocore ``StructureShape``; None if it has no input.
        members: Of the request.
    """
    sent = as_sent_by_devices(members) if operation == "UpdateJobExecution" else dict(members)
    clauses = [] if shape is None else violations(shape, sent)
    if clauses:
        return message_of(clauses)
    return next(iter(job_violations(operation, sent)), None)
