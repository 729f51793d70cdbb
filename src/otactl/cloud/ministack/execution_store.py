"""An index of job executions by job, thing and status, so that access time is constant.

MiniStack searches all executions of an account for every notification, report, count and listing.
Here the store indexes them by job and status and by thing; while a function runs that needs only
one job or one thing, ``values()`` and ``keys()`` return only its executions.

Touched, in ``ministack.services.iot``: the store ``_job_executions`` is replaced by one with the
same interface and the indexes; the functions in ``_OF_A_JOB`` and ``_OF_A_THING`` are wrapped to
select their executions; ``_jobs_status_counts`` is replaced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from contextvars import ContextVar
from functools import partial
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import iot

from otactl.cloud.ministack.answer import account
from otactl.cloud.ministack.shape import Changes, bound, require, require_source
from otactl.model.status import ExecutionStatus

#: Functions whose first argument is a job id, or a thing name, and that search all executions.
_OF_A_JOB = (
    *("_create_job", "_describe_job", "_update_job", "_list_job_executions_for_job"),
    *("_jobs_maybe_complete", "_jobs_cancel", "_delete_job"),
)
_OF_A_THING = ("_list_job_executions_for_thing", "_delete_thing", "jobs_pending_for_thing")

#: The selected executions: ("job" or "thing", account, region, its name).
_shown: ContextVar[tuple[str, str, str, str] | None] = ContextVar("shown", default=None)


class Execution(dict[str, Any]):
    """An execution that updates the store's indexes when its status changes."""

    __slots__ = ("_moved",)

    def __init__(self, fields: dict[str, Any], moved: Callable[[Execution, str], None]) -> None:
        super().__init__(fields)
        self._moved = moved

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "status":
            self._moved(self, value)
        super().__setitem__(key, value)


class _JobExecutions:
    """Those of one job: the newest of each thing by status, and the earlier ones' statuses."""

    __slots__ = ("by_status", "earlier")

    def __init__(self) -> None:
        self.by_status: dict[str, dict[str, Execution]] = defaultdict(dict)
        self.earlier: Counter[str] = Counter()


class ExecutionStore(AccountRegionScopedDict):  # type: ignore[misc]  # MiniStack has no types
    """MiniStack's executions by (thing name, job id), with indexes."""

    __slots__ = ("_of_job", "_of_thing")

    def __init__(self) -> None:
        super().__init__()
        self._of_job: dict[tuple[str, str, str], _JobExecutions] = {}
        self._of_thing: dict[tuple[str, str, str], dict[str, Execution]] = {}

    def of_job(
        self, job_id: str, statuses: Iterable[str] = tuple(ExecutionStatus)
    ) -> list[Execution]:
        """The newest execution of each thing of a job, if it is in one of the statuses."""
        found = self._of_job.get((*account(), job_id))
        if found is None:
            return []
        return [one for status in statuses for one in found.by_status.get(status, {}).values()]

    def of_thing(self, thing_name: str) -> list[Execution]:
        """The newest execution of each job of a thing."""
        found = self._of_thing.get((*account(), thing_name), {})
        return list(found.values())

    def counts(self, job_id: str) -> Counter[str]:
        """Executions of a job by status, including earlier ones of its things."""
        found = self._of_job.get((*account(), job_id))
        if found is None:
            return Counter()
        return found.earlier + Counter(
            {status: len(things) for status, things in found.by_status.items()}
        )

    def things(self, job_id: str) -> int:
        """The number of things with an execution of a job."""
        found = self._of_job.get((*account(), job_id))
        return 0 if found is None else sum(map(len, found.by_status.values()))

    def __setitem__(self, key: tuple[str, str], fields: dict[str, Any]) -> None:
        self.pop(key, None)
        thing, job_id = key
        account_id, region = account()
        job = self._of_job.setdefault((account_id, region, job_id), _JobExecutions())

        def moved(execution: Execution, status: str) -> None:
            job.by_status[execution["status"]].pop(thing, None)
            job.by_status[status][thing] = execution

        execution = Execution(fields, moved)
        job.by_status[execution["status"]][thing] = execution
        job.earlier.update(one["status"] for one in execution.get("history", ()))
        self._of_thing.setdefault((account_id, region, thing), {})[job_id] = execution
        super().__setitem__(key, execution)

    def __delitem__(self, key: tuple[str, str]) -> None:
        self.pop(key)

    def pop(self, key: tuple[str, str], *default: Any) -> Any:
        """Remove an execution."""
        execution = super().pop(key, *default)
        if not isinstance(execution, Execution):
            return execution
        thing, job_id = key
        scope = account()
        job, things = self._of_job[*scope, job_id], self._of_thing[*scope, thing]
        del job.by_status[execution["status"]][thing]
        job.earlier.subtract(one["status"] for one in execution.get("history", ()))
        del things[job_id]
        if not any(job.by_status.values()):
            del self._of_job[*scope, job_id]
        if not things:
            del self._of_thing[*scope, thing]
        return execution

    def clear(self) -> None:
        """Remove all."""
        self._of_job.clear()
        self._of_thing.clear()
        super().clear()

    def values(self) -> list[Any]:
        """The selected executions, or all of the account and region."""
        shown = _shown.get()
        if shown is None:
            return list(super().values())
        kind, account_id, region, name = shown
        if kind == "thing":
            return list(self._of_thing.get((account_id, region, name), {}).values())
        found = self._of_job.get((account_id, region, name))
        by_status = {} if found is None else found.by_status
        return [execution for things in by_status.values() for execution in things.values()]

    def keys(self) -> list[Any]:
        """The keys of ``values()``."""
        if _shown.get() is None:
            return list(super().keys())
        return [(execution["thingName"], execution["jobId"]) for execution in self.values()]


def install(changes: Changes) -> None:
    """Install the store."""
    require(
        type(iot._job_executions) is AccountRegionScopedDict and not iot._job_executions.has_any(),
        "iot._job_executions, an empty AccountRegionScopedDict",
    )
    require_source(iot._jobs_queue_execution, "_job_executions[(thing, job_id)] = execution")
    require_source(iot._jobs_status_counts, "for execution in _jobs_with_history(latest)")
    store = ExecutionStore()
    for name in _OF_A_JOB:
        changes.within(iot, name, "job_id")(partial(_showing, "job"))
    for name in _OF_A_THING:
        changes.within(iot, name)(partial(_showing, "thing"))

    def status_counts(job_id: str) -> dict[str, int]:
        counts = store.counts(job_id)
        return {status: counts[status] for status in iot._JOB_EXECUTION_STATUSES}

    changes.put(iot, "_job_executions", store)
    changes.put(iot, "_jobs_status_counts", status_counts)


def executions() -> ExecutionStore:
    """The installed store.

    Raises:
        ShapeChanged: It is not installed.
    """
    store = iot._job_executions
    require(isinstance(store, ExecutionStore), "the store of executions by job and thing")
    assert isinstance(store, ExecutionStore)  # noqa: S101  # for the type checker
    return store


def _showing(kind: str, name: str, *_: Any, **_options: Any) -> AbstractContextManager[None]:
    """Select the executions of the job or thing that a function's first argument names."""
    return bound(_shown, (kind, *account(), name))
