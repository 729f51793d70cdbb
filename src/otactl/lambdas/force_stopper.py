"""Cancels the job that an alarm is about: a Lambda function of its own.

An alarm of a deployment notifies the SNS topic ``ota-force-stopper`` when it goes off, and SNS
calls this handler. The alarm watches a metric with the dimension ``jobId`` (``JobId`` in the
namespace of AWS IoT itself), so its message names the job. The job is cancelled with force:
things in the middle of an update are cancelled too, things not yet notified never hear of it.

Everything else does no harm and is logged: an alarm that is back to OK or has no data, an alarm
without a job, a job that is over or gone, a message that is none. The handler fails only when AWS
IoT does, and Lambda then calls it again.

This file is all the function has, beside boto3: it imports nothing of otactl.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

#: Tells ``otactl deploy`` that an alarm did it (iot ReasonCode: up to 128 of A-Z, 0-9 and _).
REASON_CODE = "OTACTL_FORCE_STOP"
#: iot Comment: its longest length, without control characters.
MAX_COMMENT = 2028
DIMENSIONS = frozenset({"jobId", "JobId"})

_JOB_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
#: CancelJob's words for a job that is over, or gone, or was never there.
_NOT_RUNNING = frozenset(
    {"ResourceNotFoundException", "InvalidStateTransitionException", "InvalidRequestException"}
)


@dataclass(frozen=True, slots=True)
class Stop:
    """A job to cancel, and what to say about it."""

    job_id: str
    alarm: str
    reason: str

    @property
    def comment(self) -> str:
        """What people read who look at the job; control characters become blanks."""
        text = f"alarm {self.alarm} went off: {self.reason}"
        kept = (" " if unicodedata.category(sign)[0] == "C" else sign for sign in text)
        return "".join(kept)[:MAX_COMMENT]


class NothingToStop(ValueError):
    """Raised when a message asks for no job to be cancelled; the message says why."""


def read_message(text: Any) -> Stop:
    """Read the message of an alarm (aws-facts I5).

    Raises:
        NothingToStop: It is none, or not about a job, or not about trouble.
    """
    try:
        message = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise NothingToStop("not the message of an alarm")
    if message.get("NewStateValue") != "ALARM":
        raise NothingToStop("the alarm is not in ALARM")
    jobs = set(_jobs(message.get("Trigger")))
    if not jobs:
        raise NothingToStop("the alarm names no job")
    if len(jobs) > 1:
        raise NothingToStop("the alarm names more than one job")
    name, reason = message.get("AlarmName"), message.get("NewStateReason")
    return Stop(
        job_id=jobs.pop(),
        alarm=name if isinstance(name, str) and name else "without a name",
        reason=reason if isinstance(reason, str) and reason else "no reason given",
    )


def _jobs(trigger: Any) -> Iterator[str]:
    dimensions = trigger.get("Dimensions") if isinstance(trigger, dict) else None
    for dimension in dimensions if isinstance(dimensions, list) else ():
        if not isinstance(dimension, dict):
            continue
        # The message spells them in lower case, the API with a capital; others may copy either.
        name = dimension.get("name", dimension.get("Name"))
        job_id = dimension.get("value", dimension.get("Value"))
        # A list would not hash, and no list is a name.
        if not isinstance(name, str) or name not in DIMENSIONS:
            continue
        if isinstance(job_id, str) and _JOB_ID.fullmatch(job_id):
            yield job_id


def messages(event: Any) -> Iterator[Any]:
    """The texts that SNS delivered; anything else yields None."""
    records = event.get("Records") if isinstance(event, dict) else None
    for record in records if isinstance(records, list) else (None,):
        notice = record.get("Sns") if isinstance(record, dict) else None
        yield notice.get("Message") if isinstance(notice, dict) else None


class ForceStopper:
    """Cancels jobs by a boto3 client; ``log`` takes one line for each message."""

    def __init__(self, iot: Any, *, log: Any) -> None:
        self._iot = iot
        self._log = log

    def handle(self, event: Any) -> dict[str, list[str]]:
        """Cancel what an invocation asks for.

        Returns:
            The jobs that were cancelled.
        """
        canceled = []
        for text in messages(event):
            try:
                stop = read_message(text)
            except NothingToStop as nothing:
                self._log("nothing to stop", why=str(nothing))
                continue
            if self._cancel(stop):
                canceled.append(stop.job_id)
        return {"canceled": canceled}

    def _cancel(self, stop: Stop) -> bool:
        reported = {"jobId": stop.job_id, "alarm": stop.alarm}
        # A word in the comment that AWS IoT does not like must not keep a bad rollout going.
        for wording in ({"comment": stop.comment}, {}):
            try:
                self._iot.cancel_job(
                    jobId=stop.job_id, reasonCode=REASON_CODE, force=True, **wording
                )
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                if code not in _NOT_RUNNING:
                    raise
                self._log("not canceled", **reported, code=code)
                if code != "InvalidRequestException":
                    break
            else:
                self._log("canceled", **reported)
                return True
        return False


def log_line(outcome: str, **fields: Any) -> None:
    """Write one JSON object to the function's log."""
    sys.stdout.write(json.dumps({"outcome": outcome} | fields) + "\n")
    sys.stdout.flush()


@cache
def _stopper() -> ForceStopper:
    config = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 4})
    return ForceStopper(boto3.client("iot", config=config), log=log_line)


def ota_force_stopper(event: Any, context: Any) -> dict[str, list[str]]:  # noqa: ARG001
    """What Lambda calls."""
    return _stopper().handle(event)
