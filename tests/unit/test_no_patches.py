"""No test patches our own code: parts are handed in (CONTRIBUTING.md)."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
_PATCHERS = {"setattr", "delattr", "setitem", "patch", "object", "dict", "multiple"}


def patches(source: str) -> list[str]:
    """What a file of tests patches, as ``line: what``: its own imports of otactl, by any name."""
    tree = ast.parse(source)
    ours = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (getattr(node, "module", None) or alias.name).partition(".")[0] == "otactl"
    }
    return [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _patches(node, ours)
    ]


def _patches(call: ast.Call, ours: set[str]) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute):
        return False
    root = ast.unparse(function.value)
    if function.attr not in _PATCHERS or not root.endswith(
        ("monkeypatch", "patch", "mock", "mocker")
    ):
        return False
    target = call.args[0] if call.args else None
    if isinstance(target, ast.Constant):
        return str(target.value).startswith("otactl")
    return any(
        isinstance(node, ast.Name) and node.id in ours
        for node in ([] if target is None else ast.walk(target))
    )


def test_no_test_patches_our_own_code() -> None:
    found = {
        str(path.relative_to(TESTS)): lines
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__) and (lines := patches(path.read_text("utf-8")))
    }

    assert found == {}


def test_a_patch_is_found_whatever_it_is_called() -> None:
    source = """
import otactl.cli.main as m
from otactl.fleet import connection as link
from unittest import mock
def test(monkeypatch):
    monkeypatch.setattr(link.Connection, "publish", None)
    monkeypatch.setattr("otactl.aws.clients.AwsClients", None)
    mock.patch("otactl.cli.main.run")
    mock.patch.object(m, "run")
    monkeypatch.setattr(len, "x", 1)
    monkeypatch.setenv("otactl", "1")
"""
    assert [line.partition(":")[0] for line in patches(source)] == ["6", "7", "8", "9"]
