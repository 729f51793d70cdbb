"""Every command that asks, and the test that shows what it says where nobody can be asked."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLI = ROOT / "src" / "otactl" / "cli"
#: What puts a question to a person.
QUESTIONS = frozenset(
    {"confirm", "prompt", "confirmed", "consent_to_delete", "agreed_to", "wants_deletion"}
)
#: Each module with such a call: its test without a terminal, of something that is there.
#: tests/e2e/test_exit_codes.py has all of them with something that is not: nobody is asked.
UNASKED = {
    "cancel": "e2e/test_cancel.py::test_what_is_not_agreed_to_is_not_done",
    "deploy_output": "e2e/test_deploy_question.py::test_without_a_terminal_there_is_no_question",
    "doctor": "e2e/test_live_check.py::test_it_asks_before_anything_is_created",
    "init": "e2e/test_init.py::test_without_a_terminal_it_points_at_the_template",
    "monitor": "e2e/test_monitor.py"
    "::test_events_are_switched_on_when_the_user_agrees_and_then_nobody_asks",
    "retry_failed": "e2e/test_retry_failed.py::test_nobody_agreed_so_nothing_is_deployed",
    "rollback": "e2e/test_rollback.py"
    "::test_after_wave_two_of_three_by_hand_with_things_in_progress_and_offline",
    "stack": "e2e/test_stack.py::test_without_a_terminal_nobody_can_agree",
    "stored": "e2e/test_refusals.py"
    "::test_a_running_deployment_is_not_started_twice_and_says_how_to_go_on",
}
#: What asks for others, and when a run is interrupted, which without a terminal keeps the job.
FOR_OTHERS = frozenset({"consent", "stack_dialog", "questions", "frontend"})


def asks(path: Path) -> bool:
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    called = (node.func for node in calls if isinstance(node, ast.Call))
    names = {
        each.id if isinstance(each, ast.Name) else getattr(each, "attr", "") for each in called
    }
    return bool(names & QUESTIONS)


def test_every_command_that_asks_has_a_test_where_nobody_can_be_asked() -> None:
    assert {path.stem for path in CLI.rglob("*.py") if asks(path)} == {*UNASKED, *FOR_OTHERS}
    for each in UNASKED.values():
        file, _, name = each.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8"), each
