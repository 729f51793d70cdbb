"""CreateJob refuses what UpdateJob refuses.

MiniStack checks rollout, retry and presigning settings in UpdateJob, with the answers measured on
the real service, but not in CreateJob; AWS validates both alike (aws-facts B1: the checks are
shared). A rehearsal must not accept a job that AWS refuses.

Added here, from aws-facts A1, A6 and D: at most a hundred targets, a retry criterion for ALL must
be the only one, at most ten retries, maintenance windows for CONTINUOUS jobs only, at most ten
substitutions in a document.

Touched, all in ``ministack.services.iot``: ``_create_job`` is wrapped; the checks are
``_job_update_request_error`` for the members ``_JOB_UPDATE_MEMBERS``; ``_job_presign_error``, which
checks the document of a job or template wherever it comes from, is wrapped; the members that a job
takes from its template are those of ``_job_payload_from_template``.
"""

from __future__ import annotations

from typing import Any

from ministack.services import iot

from otactl.cloud.job_rule import document_problem
from otactl.cloud.ministack.answer import refused
from otactl.cloud.ministack.shape import Changes, require, require_parameters
from otactl.model.cron import cron_fault
from otactl.rules.retry import MAX_RETRIES_PER_THING

#: aws-facts A1.
_MAX_TARGETS = 100


def install(changes: Changes) -> None:
    """Install the checks."""
    check = iot._job_update_request_error
    require_parameters(check, "job_id", "payload")
    require_parameters(iot._job_payload_from_template, "payload")
    require(
        "jobExecutionsRolloutConfig" in iot._JOB_UPDATE_MEMBERS,
        "the rollout among UpdateJob's members",
    )
    empty_rollout = check("j", {"jobExecutionsRolloutConfig": {}})
    require(empty_rollout is not None, "UpdateJob to refuse an empty rollout")
    require(
        check("j", {"jobExecutionsRolloutConfig": {"maximumPerMinute": 5}}) is None,
        "UpdateJob to take a rollout of 5 per minute",
    )

    @changes.around(iot, "_create_job", "job_id", "payload")
    async def create_job(create: Any, job_id: str, payload: dict[str, Any]) -> Any:
        whole: dict[str, Any] | None = payload
        if payload.get("jobTemplateArn") is not None:
            # Not checked when the template was made; None for a template that does not exist.
            whole = iot._job_payload_from_template(payload)[0]
        refusal = None if whole is None else _refusal(job_id, whole)
        return await create(job_id, payload) if refusal is None else refusal

    @changes.around(iot, "_job_presign_error", "document", "config")
    def document_error(check: Any, document: str | None, *rest: Any) -> Any:
        problem = document_problem(document or "")
        return check(document, *rest) if problem is None else refused(problem)


def _refusal(job_id: str, payload: dict[str, Any]) -> Any:
    """The answer that refuses a request, with its template's members; None if it is accepted."""
    targets = len(payload.get("targets") or ())
    if targets > _MAX_TARGETS:
        message = f"A job has at most {_MAX_TARGETS} targets; this one has {targets}"
        return refused(message, "LimitExceededException", 410)
    given = {
        name: payload[name] for name in iot._JOB_UPDATE_MEMBERS if payload.get(name) is not None
    }
    # UpdateJob refuses an empty timeout; DescribeJob returns one, so CreateJob accepts it.
    if not given.get("timeoutConfig"):
        given.pop("timeoutConfig", None)
    refusal = iot._job_update_request_error(job_id, given) if given else None
    problem = _problem(payload)
    return refusal if refusal is not None or problem is None else refused(problem)


def _problem(payload: dict[str, Any]) -> str | None:
    criteria = _dictionaries(_member(payload, "jobExecutionsRetryConfig").get("criteriaList"))
    if len(criteria) > 1 and any(one.get("failureType") == "ALL" for one in criteria):
        return "A retryCriteria with failure type ALL must be used by itself."
    retries = [one.get("numberOfRetries") for one in criteria]
    if sum(number for number in retries if isinstance(number, int)) > MAX_RETRIES_PER_THING:
        return f"The total number of retries cannot exceed {MAX_RETRIES_PER_THING}."
    windows = _dictionaries(_member(payload, "schedulingConfig").get("maintenanceWindows"))
    if windows and payload.get("targetSelection") != "CONTINUOUS":
        return "Maintenance windows can only be used with CONTINUOUS jobs."
    faults = (cron_fault(str(window.get("startTime"))) for window in windows)
    return next((f"The maintenance window is invalid: {fault}" for fault in faults if fault), None)


def _member(payload: dict[str, Any], name: str) -> dict[str, Any]:
    member = payload.get(name)
    return member if isinstance(member, dict) else {}


def _dictionaries(listed: Any) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
