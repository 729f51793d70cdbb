from __future__ import annotations

import ast
import re
from pathlib import Path

from otactl.model import status as reason_code

SRC = Path(reason_code.__file__).parents[1]
#: Lambda functions cannot import the model; a test of theirs keeps the two equal.
ELSEWHERE = {SRC / "lambdas" / "force_stopper.py"}


def test_reason_codes_are_written_once_and_each_is_used() -> None:
    # The code once sent OTACTL_CANCEL where this module said OTACTL_USER_CANCEL.
    home = Path(reason_code.__file__)
    codes = {name for name in vars(reason_code) if name.endswith("_REASON_CODE")}
    texts = {path: path.read_text() for path in SRC.rglob("*.py")}
    written = {
        (path, node.value)
        for path, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"OTACTL_[A-Z_]*(CANCEL|STOP|CLEAN)[A-Z_]*", node.value)
    }

    assert {path for path, _ in written} <= {home, *ELSEWHERE}
    assert {value for _, value in written} == {getattr(reason_code, name) for name in codes}
    for name in codes:
        assert any(name in text for path, text in texts.items() if path != home), name
