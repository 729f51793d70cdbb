"""Groups in groups, which MiniStack stores but does not resolve, and the limits of groups.

- A job for a group runs on every thing in it and in its child groups; a CONTINUOUS one also on
  a thing that joins a child group later (aws-facts O).
- ListThingsInThingGroup with ``recursive`` lists the things of child groups too;
  ListThingGroups accepts ``parentGroup``, ``namePrefixFilter`` and ``recursive``;
  ListThingGroupsForThing lists parents too (Developer Guide, thing-groups).
- Membership is visible after a delay (aws-facts O): in lists, and to a job that is created for the
  group. An existing CONTINUOUS job gets a new thing at once.
- A thing is in at most ten groups, and in one per hierarchy; a hierarchy has at most seven levels,
  a group a hundred direct children (aws-facts A8).

Touched, in ``ministack.services.iot``: ``_job_target_resolve``, ``_jobs_thing_joined_group``,
``_list_thing_groups``, ``_list_thing_groups_for_thing``, ``_create_thing_group``,
``_delete_thing_group``, ``_add_thing_to_group``, ``_jobs_materialize_executions`` and
``handle_request`` are wrapped; ``_thing_groups`` and ``_things`` are read as MiniStack's own
functions read them. The list of a group's things is replaced by one with fast lookup, and a
CONTINUOUS job resolves its groups once, not at each read, and gets later things when they join:
otherwise the time to fill a group is quadratic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import OK, REQUEST, fields_of, first, refused
from otactl.cloud.ministack.member_list import MemberList
from otactl.cloud.ministack.shape import Changes, require, require_source

_MAX_GROUPS_OF_A_THING = 10
_MAX_LEVELS = 7
_MAX_CHILDREN = 100

_MEMBERS = re.compile(r"/thing-groups/([^/]+)/things")
_GROUP_ARN = re.compile(r"arn:[^:]+:iot:[^:]*:\d{12}:thinggroup/([^/]+)")


def install(changes: Changes, member_ms: int) -> None:
    """Install groups in groups; a new member is visible after ``member_ms`` of cloud time."""
    require_source(iot._describe_thing_group, "_thing_groups.get(name)")
    require(isinstance(iot._thing_group_arn("g"), str), "ARNs of groups by name")
    require_source(iot._create_thing_group, '"things": []')
    require_source(iot._add_thing_to_group, 'group.setdefault("things", []).append(tname)')
    require_source(iot._delete_thing_group, 'for tname in list(g.get("things", []))')
    _follow_groups(changes)
    _list_groups(changes)
    _change_members(changes, member_ms)


def _follow_groups(changes: Changes) -> None:
    @changes.around(iot, "_job_target_resolve", "arn")
    def resolve_with_children(resolve: Any, arn: str) -> list[str] | None:
        things: list[str] | None = resolve(arn)
        group = _GROUP_ARN.fullmatch(arn)
        if things is None or group is None:
            return things
        return _things_below(group[1])

    @changes.around(iot, "_jobs_thing_joined_group", "thing", "group_arn")
    def joined_with_parents(joined: Any, thing: str, group_arn: str) -> bool:
        group = _GROUP_ARN.fullmatch(group_arn)
        names = [] if group is None else list(_with_ancestors(group[1]))
        # Call it for every group, even if one has already queued the thing.
        queued = [joined(thing, iot._thing_group_arn(name)) for name in names]
        return any(queued)


def _list_groups(changes: Changes) -> None:
    @changes.around(iot, "_list_thing_groups", "qp")
    def list_thing_groups(_: Any, qp: dict[str, str]) -> Any:
        parent, prefix = qp.get("parentGroup"), qp.get("namePrefixFilter")
        if parent is not None and parent not in iot._thing_groups:
            return iot._error_not_found("ThingGroup", parent)
        names = list(iot._thing_groups) if parent is None else _children(parent)
        if parent is not None and qp.get("recursive") == "true":
            names = list(_descendants(parent))
        return json_response(
            {"thingGroups": [_entry(name) for name in names if name.startswith(prefix or "")]}
        )

    @changes.around(iot, "_list_thing_groups_for_thing", "path")
    def list_thing_groups_for_thing(groups_of_thing: Any, path: str) -> Any:
        answer = groups_of_thing(path)
        if answer[0] != OK:
            return answer
        direct = [entry["groupName"] for entry in fields_of(answer)["thingGroups"]]
        names = dict.fromkeys(name for group in direct for name in _with_ancestors(group))
        return json_response({"thingGroups": [_entry(name) for name in names]})

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        answer = await handle(method, path, headers, body, query)
        members = _MEMBERS.fullmatch(path) if method == "GET" and answer[0] == OK else None
        if members is None or first(query.get("recursive")) != "true":
            return answer
        return json_response({"things": _things_below(members[1])})


def _change_members(changes: Changes, member_ms: int) -> None:
    @changes.around(iot, "_create_thing_group", "name", "payload")
    def create_thing_group(create: Any, name: str, payload: dict[str, Any]) -> Any:
        parent = payload.get("parentGroupName")
        problem = None if parent is None else _parent_problem(parent)
        if problem is not None:
            return refused(problem)
        answer = create(name, payload)
        if answer[0] == OK:
            iot._thing_groups[name]["things"] = MemberList(member_ms, iot._jobs_now_ms)
        return answer

    @changes.around(iot, "_delete_thing_group")
    def delete_thing_group(delete: Any, name: str) -> Any:
        members = iot._thing_groups.get(name, {}).get("things")
        if isinstance(members, MemberList):
            members.show_all()  # MiniStack removes the listed ones from the group
        return delete(name)

    @changes.around(iot, "_add_thing_to_group", "payload")
    async def add_thing_to_group(add: Any, payload: dict[str, Any]) -> Any:
        group, thing, error = iot._membership_names(payload)
        problem = None if error else _membership_problem(group, thing)
        return await add(payload) if problem is None else refused(problem)

    @changes.around(iot, "_jobs_materialize_executions", "job_id")
    def materialize_executions(materialize: Any, job_id: str) -> None:
        job = iot._jobs.get(job_id)
        if job is not None and not job.get("materialized"):
            materialize(job_id)
            job["materialized"] = True


def is_target(thing: str, job: Mapping[str, Any]) -> bool:
    """Whether a job's targets name a thing, or a group that it is in."""
    record = iot._things.get(thing)
    if record is None:
        return False
    groups = record.get("thingGroupNames", [])
    names = {name for group in groups for name in _with_ancestors(group)}
    arns = {iot._thing_arn(thing), *(iot._thing_group_arn(name) for name in names)}
    return not arns.isdisjoint(job["targets"])


def _parent_problem(parent: str) -> str | None:
    if len(_children(parent)) >= _MAX_CHILDREN:
        return f"Thing group {parent} has {_MAX_CHILDREN} direct child groups already"
    if len(list(_with_ancestors(parent))) + 1 > _MAX_LEVELS:
        return f"A hierarchy of thing groups has at most {_MAX_LEVELS} levels"
    return None


def _membership_problem(group: str, thing: str) -> str | None:
    record = iot._things.get(thing)
    groups = [] if record is None else record.get("thingGroupNames", [])
    if group in groups or group not in iot._thing_groups:
        return None
    if len(groups) >= _MAX_GROUPS_OF_A_THING:
        return f"Thing {thing} is in {_MAX_GROUPS_OF_A_THING} thing groups already"
    root = _root(group)
    if any(_root(other) == root for other in groups):
        return f"Thing {thing} is in a group of the hierarchy of {root} already"
    return None


def _entry(name: str) -> dict[str, str]:
    return {"groupName": name, "groupArn": iot._thing_group_arn(name)}


def _parent_of(group: dict[str, Any] | None) -> str | None:
    return ((group or {}).get("thingGroupMetadata") or {}).get("parentGroupName")


def _with_ancestors(name: str) -> Iterator[str]:
    """A group and its parents, the nearest first."""
    found: str | None = name
    while found is not None:
        yield found
        found = _parent_of(iot._thing_groups.get(found))


def _root(name: str) -> str:
    return list(_with_ancestors(name))[-1]


def _children(name: str) -> list[str]:
    groups = iot._thing_groups.items()
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
            thing for group in groups for thing in iot._thing_groups[group].get("things", [])
        )
    )
