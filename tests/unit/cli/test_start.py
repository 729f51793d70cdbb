"""What every command imports: not what some need alone, which would take most of its time."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "package", ["pydantic", "boto3", "numpy", "plotly", "sqlite3", "cryptography", "asyncio"]
)
def test_no_command_line_pays_for_what_it_does_not_use(package: str) -> None:
    program = f"import sys, otactl.cli.main; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
