"""Groups in groups, which MiniStack keeps but does not follow, and the limits of groups.

- A job for a group runs on every thing in it and in its child groups; a CONTINUOUS one also on
  a thing that joins a child group later (aws-facts O).
- ListThingsInThingGroup with ``recursive`` lists the things of child groups too;
  ListThingGroups takes ``parentGroup``, ``namePrefixFilter`` and ``recursive``;
  ListThingGroupsForThing names parents too (Developer Guide, thing-groups).
- Membership shows late (aws-facts O): in lists, and to a job that is created for the group. A
  CONTINUOUS job that is there already hears of a new thing at once.
- A thing is in ten groups at most, and in one of a hierarchy; a hierarchy has seven levels, a
  group a hundred direct children (aws-facts A8).

Touched, in ``ministack.services.iot``: ``_job_target_resolve``, ``_jobs_thing_joined_group``,
``_list_thing_groups``, ``_list_thing_groups_for_thing``, ``_create_thing_group``,
``_delete_thing_group``, ``_add_thing_to_group``, ``_jobs_materialize_executions`` and
``handle_request`` are wrapped;
``_thing_groups`` and ``_things`` are read as MiniStack's own functions read them. The list of a
group's things is replaced by one that finds a thing at once, and a CONTINUOUS job learns of a new
thing but does not look for it at each read: both make a group's filling quadratic otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import iot

from otactl.cloud.ministack.member_list import MemberList
from otactl.cloud.ministack.shape import require, require_parameters, require_source

_MAX_GROUPS_OF_A_THING = 10
_MAX_LEVELS = 7
_MAX_CHILDREN = 100
_OK = 200

_MEMBERS = re.compile(r"/thing-groups/([^/]+)/things")
_GROUP_ARN = re.compile(r"arn:[^:]+:iot:[^:]*:\d{12}:thinggroup/([^/]+)")


def install(member_ms: int) -> None:
    """Put groups in groups in place.

    Args:
        member_ms: Milliseconds of the cloud after which a new member shows in its group.

    Raises:
        ShapeChanged: MiniStack's groups are not those this was written for.
    """
    require_parameters(iot._job_target_resolve, "arn")  # noqa: SLF001
    require_parameters(iot._jobs_thing_joined_group, "thing", "group_arn")  # noqa: SLF001
    require_parameters(iot._list_thing_groups, "qp")  # noqa: SLF001
    require_parameters(iot._list_thing_groups_for_thing, "path")  # noqa: SLF001
    require_parameters(iot._create_thing_group, "name", "payload")  # noqa: SLF001
    require_parameters(iot._add_thing_to_group, "payload")  # noqa: SLF001
    require_source(iot._describe_thing_group, "_thing_groups.get(name)")  # noqa: SLF001
    require(isinstance(iot._thing_group_arn("g"), str), "ARNs of groups by name")  # noqa: SLF001
    require_source(iot._create_thing_group, '"things": []')  # noqa: SLF001
    require_source(iot._add_thing_to_group, 'group.setdefault("things", []).append(tname)')  # noqa: SLF001
    require_source(iot._delete_thing_group, 'for tname in list(g.get("things", []))')  # noqa: SLF001
    require_parameters(iot._jobs_materialize_executions, "job_id")  # noqa: SLF001
    _install_job_targets()
    _install_lists()
    _install_members(member_ms)
    _install_limits()


def _install_job_targets() -> None:
    resolve, joined = iot._job_target_resolve, iot._jobs_thing_joined_group  # noqa: SLF001

    def resolve_with_children(arn: str) -> list[str] | None:
        things: list[str] | None = resolve(arn)
        group = _GROUP_ARN.fullmatch(arn)
        if things is None or group is None:
            return things
        return _things_below(group[1])

    def joined_with_parents(thing: str, group_arn: str) -> bool:
        group = _GROUP_ARN.fullmatch(group_arn)
        names = [] if group is None else [group[1], *_ancestors(group[1])]
        # Every job is asked, though one has queued the thing already.
        queued = [joined(thing, iot._thing_group_arn(name)) for name in names]  # noqa: SLF001
        return any(queued)

    iot._job_target_resolve = resolve_with_children  # noqa: SLF001
    iot._jobs_thing_joined_group = joined_with_parents  # noqa: SLF001


def _install_lists() -> None:
    groups_of_thing, handle = iot._list_thing_groups_for_thing, iot.handle_request  # noqa: SLF001

    def list_thing_groups(qp: dict[str, str]) -> Any:
        parent, prefix = qp.get("parentGroup"), qp.get("namePrefixFilter")
        if parent is not None and parent not in iot._thing_groups:  # noqa: SLF001
            return iot._error_not_found("ThingGroup", parent)  # noqa: SLF001
        names = list(iot._thing_groups) if parent is None else _children(parent)  # noqa: SLF001
        if parent is not None and qp.get("recursive") == "true":
            names = list(_descendants(parent))
        return json_response(
            {"thingGroups": [_entry(name) for name in names if name.startswith(prefix or "")]}
        )

    def list_thing_groups_for_thing(path: str) -> Any:
        status, headers, body = groups_of_thing(path)
        if status != _OK:
            return status, headers, body
        direct = [entry["groupName"] for entry in json.loads(body)["thingGroups"]]
        names = dict.fromkeys(name for group in direct for name in (group, *_ancestors(group)))
        return json_response({"thingGroups": [_entry(name) for name in names]})

    async def handle_request(
        method: str, path: str, headers: Any, body: bytes, query_params: Any
    ) -> Any:
        answer = await handle(method, path, headers, body, query_params)
        members = _MEMBERS.fullmatch(path) if method == "GET" and answer[0] == _OK else None
        recursive = query_params.get("recursive")
        if members is None or recursive not in ("true", ["true"]):
            return answer
        return json_response({"things": _things_below(members[1])})

    iot._list_thing_groups = list_thing_groups  # noqa: SLF001
    iot._list_thing_groups_for_thing = list_thing_groups_for_thing  # noqa: SLF001
    iot.handle_request = handle_request


def _install_members(member_ms: int) -> None:
    create, delete = iot._create_thing_group, iot._delete_thing_group  # noqa: SLF001
    materialize = iot._jobs_materialize_executions  # noqa: SLF001

    def create_thing_group(name: str, payload: dict[str, Any]) -> Any:
        answer = create(name, payload)
        if answer[0] == _OK:
            iot._thing_groups[name]["things"] = MemberList(member_ms, iot._jobs_now_ms)  # noqa: SLF001
        return answer

    def delete_thing_group(name: str) -> Any:
        members = iot._thing_groups.get(name, {}).get("things")  # noqa: SLF001
        if isinstance(members, MemberList):
            members.show_all()  # each of them leaves the group
        return delete(name)

    def materialize_executions(job_id: str) -> None:
        job = iot._jobs.get(job_id)  # noqa: SLF001
        if job is not None and not job.get("materialized"):
            materialize(job_id)
            job["materialized"] = True

    iot._create_thing_group = create_thing_group  # noqa: SLF001
    iot._delete_thing_group = delete_thing_group  # noqa: SLF001
    iot._jobs_materialize_executions = materialize_executions  # noqa: SLF001


def _install_limits() -> None:
    create, add = iot._create_thing_group, iot._add_thing_to_group  # noqa: SLF001

    def create_thing_group(name: str, payload: dict[str, Any]) -> Any:
        parent = payload.get("parentGroupName")
        problem = None if parent is None else _parent_problem(parent)
        return create(name, payload) if problem is None else _refused(problem)

    async def add_thing_to_group(payload: dict[str, Any]) -> Any:
        group, thing, error = iot._membership_names(payload)  # noqa: SLF001
        problem = None if error else _membership_problem(group, thing)
        return await add(payload) if problem is None else _refused(problem)

    iot._create_thing_group = create_thing_group  # noqa: SLF001
    iot._add_thing_to_group = add_thing_to_group  # noqa: SLF001


def _parent_problem(parent: str) -> str | None:
    if len(_children(parent)) >= _MAX_CHILDREN:
        return f"Thing group {parent} has {_MAX_CHILDREN} direct child groups already"
    if len(list(_ancestors(parent))) + 2 > _MAX_LEVELS:
        return f"A hierarchy of thing groups has at most {_MAX_LEVELS} levels"
    return None


def _membership_problem(group: str, thing: str) -> str | None:
    record = iot._things.get(thing)  # noqa: SLF001
    groups = [] if record is None else record.get("thingGroupNames", [])
    if group in groups or group not in iot._thing_groups:  # noqa: SLF001
        return None
    if len(groups) >= _MAX_GROUPS_OF_A_THING:
        return f"Thing {thing} is in {_MAX_GROUPS_OF_A_THING} thing groups already"
    root = _root(group)
    if any(_root(other) == root for other in groups):
        return f"Thing {thing} is in a group of the hierarchy of {root} already"
    return None


def _refused(message: str) -> Any:
    return error_response_json("InvalidRequestException", message, 400)


def _entry(name: str) -> dict[str, str]:
    return {"groupName": name, "groupArn": iot._thing_group_arn(name)}  # noqa: SLF001


def _parent_of(group: dict[str, Any] | None) -> str | None:
    return ((group or {}).get("thingGroupMetadata") or {}).get("parentGroupName")


def _ancestors(name: str) -> Iterator[str]:
    """The parents of a group, the nearest first."""
    parent = _parent_of(iot._thing_groups.get(name))  # noqa: SLF001
    while parent is not None:
        yield parent
        parent = _parent_of(iot._thing_groups.get(parent))  # noqa: SLF001


def _root(name: str) -> str:
    return [name, *_ancestors(name)][-1]


def _children(name: str) -> list[str]:
    groups = iot._thing_groups.items()  # noqa: SLF001
    return [child for child, group in groups if _parent_of(group) == name]


def _descendants(name: str) -> Iterator[str]:
    for child in _children(name):
        yield child
        yield from _descendants(child)


def _things_below(name: str) -> list[str]:
    """The things of a group and of all groups below it, each once."""
    groups = (name, *_descendants(name))
    return list(
        dict.fromkeys(
            thing
            for group in groups
            for thing in iot._thing_groups[group].get("things", [])  # noqa: SLF001
        )
    )
