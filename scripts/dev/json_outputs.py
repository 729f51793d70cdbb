"""Which command writes what with ``--output json``."""

from __future__ import annotations

from typing import Any

from otactl.model.json_output import (
    account,
    deployment,
    forecast,
    progress,
    queue,
    rollback,
)

_RESULT_OR_PLAN: Any = deployment.Deployment | deployment.Plan
#: The type of what a command writes, by what is typed behind ``otactl``.
OUTPUTS: dict[str, Any] = {
    "approve": deployment.Decision,
    "cancel": deployment.Cancelled,
    "clean": deployment.Cleaned,
    "config explain": account.Keys,
    "continue": deployment.Decision,
    "deploy": _RESULT_OR_PLAN,
    "doctor": account.Readiness,
    "fleet create": progress.CreatedFleet,
    "fleet list": progress.FleetThings,
    "fleet run": progress.FleetRun,
    "forecast": forecast.Forecast | forecast.WavesForecast | forecast.Suggestion,
    "history": deployment.History,
    "lint": forecast.Lint | forecast.LintOfFiles,
    "local env": account.CloudVariables,
    "local status": account.Cloud | account.NoCloud,
    "local up": account.Cloud,
    "monitor": progress.Progress | progress.ProgressOfJobs,
    "pause": deployment.Decision,
    "plan": deployment.Plan,
    "profile from-report": forecast.Profile,
    "queue add": queue.Requests,
    "queue approve": deployment.Decision,
    "queue cancel": queue.RequestNames,
    "queue continue": deployment.Decision,
    "queue create": queue.Requests,
    "queue fetch": queue.Fetched,
    "queue init": queue.Table,
    "queue list": queue.Requests,
    "queue pause": deployment.Decision,
    "queue reject": deployment.Decision,
    "queue retry": queue.RequestNames,
    "queue run": queue.Attempts,
    "queue show": queue.Request,
    "rehearse": deployment.Rehearsal,
    "reject": deployment.Decision,
    "report": deployment.Report,
    "resume": deployment.Deployment,
    "retry-failed": _RESULT_OR_PLAN,
    "rollback": rollback.Rollback,
    "stack delete": account.StackDeleted,
    "stack deploy": account.StackChanges,
    "stack outputs": account.StackOutputs,
    "stack status": account.StackStatus,
    "stack template": account.StackTemplate,
    "stack test": account.StackTest,
    "validate": account.Validity,
}
#: The type of what a command writes instead when it fails before it has a result.
ERROR: Any = account.Error
