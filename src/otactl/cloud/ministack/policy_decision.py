"""A cache of the policy decisions of each connection, until its policies change.

MiniStack evaluates the policies of a certificate for each message in and out: a sixth of the
processor time of a large rollout. A decision depends on the attached documents, the connection's
variables, the action and the resource. The variables do not change while a connection lasts, so
each connection caches its decisions together with the documents.

Patterns without ``?`` and with at most one ``*``, as devices have, are compared without a regular
expression: MiniStack caches 4,096 of these, and a thousand devices have more.

Touched: ``_WSSession._policy_allows`` of ``ministack.services.iot`` is wrapped; the documents are
looked up as ``_mqtt_policy_allows`` does. ``fnmatch_iam`` and ``fnmatch_iam_cs`` of
``ministack.core.iam_evaluator`` are wrapped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iot

from otactl.cloud.ministack.shape import Changes, require, require_source

#: The most cached decisions. A device needs about thirty; random topics must not fill the memory.
_MANY = 512

_Decisions = dict[tuple[str, str], bool]


def install(changes: Changes) -> None:
    """Install it."""
    session = iot._WSSession
    require_source(
        iot._mqtt_policy_allows,
        'p["versions"][p["defaultVersionId"]]["document"] for p in policies',
    )
    require_source(session._dispatch_packet, "self._policy_context = ")

    @changes.around(session, "_policy_allows", "self", "action", "resource")
    def policy_allows(decide: Any, session: Any, action: str, resource: str) -> bool:
        if session.certificate_id is None or session.provisioning_template is not None:
            return bool(decide(session, action, resource))
        documents = _documents(session)
        kept = session.__dict__.get("otactl_decisions")
        if kept is None or kept[0] != documents or kept[1] is not session._policy_context:
            kept = session.otactl_decisions = (documents, session._policy_context, {})
        decisions: _Decisions = kept[2]
        known = decisions.get((action, resource))
        if known is None:
            if len(decisions) >= _MANY:
                decisions.clear()
            known = decisions[action, resource] = bool(decide(session, action, resource))
        return known

    for name in ("fnmatch_iam", "fnmatch_iam_cs"):
        ignores_case = name == "fnmatch_iam"
        found = getattr(iam_evaluator, name)("AB", "a*")
        require(found is ignores_case, f"{name} by its name")
        compare = functools.partial(_matches, ignores_case)
        changes.around(iam_evaluator, name, "value", "pattern")(compare)


def _matches(
    ignores_case: bool,  # noqa: FBT001  # private
    match: Callable[[str, str], bool],
    value: str,
    pattern: str,
) -> bool:
    """Compare a plain pattern directly, any other with MiniStack's function."""
    head, star, tail = pattern.partition("*")
    if "?" in pattern or "*" in tail:
        return bool(match(value, pattern))
    if ignores_case:
        value, head, tail = value.lower(), head.lower(), tail.lower()
    if not star:
        return value == head
    is_long = len(value) >= len(head) + len(tail)
    return is_long and value.startswith(head) and value.endswith(tail)


def _documents(session: Any) -> list[str]:
    """The default versions of the policies attached to a connection's certificate."""
    scope = session.account_id, session.region
    record = iot._certificates.get_scoped(*scope, session.certificate_id) or {}
    policies = [
        iot._policies.get_scoped(*scope, name) for name in record.get("attachedPolicies", ())
    ]
    return [one["versions"][one["defaultVersionId"]]["document"] for one in policies if one]
