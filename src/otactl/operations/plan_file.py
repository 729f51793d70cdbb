"""A plan in a file, so that exactly the reviewed plan is deployed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from otactl.deploy.plan import Plan
from otactl.errors import UserMistake
from otactl.operations.text_file import read_named_text
from otactl.wire.custom_document import DocumentFault, read_custom_document

#: 10,000 rounds, the maximum, have about 20 MB of steps.
_MAX_PLAN_LENGTH = 64 * 1024 * 1024
_COMPARED = ("imageSha256", "jobId", "things", "rounds", "account", "region", "cleanUp")


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan for ``check_plan``.

    Raises:
        UserMistake: The file cannot be written.
    """
    try:
        path.write_text(json.dumps(plan.to_fields(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserMistake(f"cannot write the plan {path}: {error.strerror}") from error


def check_plan(plan: Plan, plan_file: Path) -> None:
    """Refuse a plan that differs from the one in a file of ``otactl plan --out``.

    Raises:
        LocalResourceMissing: The file cannot be read.
        UserMistake: It is not a plan, or a different one.
    """
    text = read_named_text(plan_file, "plan", limit=_MAX_PLAN_LENGTH)
    try:
        promised = read_custom_document(text)
    except DocumentFault as fault:
        raise UserMistake(f"the plan {plan_file} {fault}") from fault
    if "fingerprint" not in promised:
        raise UserMistake(f"{plan_file} was not written by `otactl plan --out`")
    if plan.fingerprint == promised["fingerprint"]:
        return
    now: Mapping[str, object] = plan.to_fields()
    changed = [name for name in _COMPARED if now[name] != promised.get(name)]
    raise UserMistake(
        f"{plan.source} no longer matches the plan {plan_file};"
        f" changed: {', '.join(changed) or 'the job document, the targets or the job policy'}",
        hint="review it again: `otactl plan`",
    )
