"""What a command line imports: not what others need alone, which would take most of its time."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from otactl.cli.main import app
from otactl.views.command_index import INDEX, location_of

#: Runs otactl, then tells on standard error which modules it has.
PROGRAM = """
import sys
from otactl.__main__ import start
try:
    start()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def modules_of(*arguments: str, **environment: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert ran.stdout
    return set(ran.stderr.split())


@pytest.mark.parametrize(
    "package", ["pydantic", "boto3", "numpy", "plotly", "sqlite3", "cryptography", "asyncio"]
)
def test_no_command_line_pays_for_what_it_does_not_use(package: str) -> None:
    program = f"import sys, otactl.cli.main; sys.exit({package!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_help_imports_no_command_and_no_markdown() -> None:
    modules = modules_of("--help")

    assert not {each for each in modules if each in COMMAND_MODULES}
    assert not modules & {"pydantic", "rich.markdown", "typer.rich_utils"}


def test_completion_imports_the_command_that_is_typed_and_nothing_that_prints() -> None:
    typing = {"_OTACTL_COMPLETE": "complete_bash", "COMP_WORDS": "otactl dep", "COMP_CWORD": "1"}
    modules = modules_of(**typing)
    assert not {each for each in modules if each in COMMAND_MODULES}
    assert not modules & {"pydantic", "rich", "boto3"}

    typing |= {"COMP_WORDS": "otactl deploy --dry", "COMP_CWORD": "2"}
    assert {each for each in modules_of(**typing) if each in COMMAND_MODULES} == {
        "otactl.cli.deploy"
    }


@pytest.mark.parametrize("words", ["otactl queue appr", "otactl approve --wa"])
def test_completion_of_what_is_said_at_gates_loads_nothing_heavy(words: str) -> None:
    typing = {"_OTACTL_COMPLETE": "complete_bash", "COMP_WORDS": words}

    modules = modules_of(**typing, COMP_CWORD=str(words.count(" ")))

    assert not modules & {"otactl.model.wave", "rich", "boto3"}


#: The modules that hold commands.
COMMAND_MODULES = {f"otactl.cli.{location_of(name)[0]}" for name in INDEX}


@pytest.mark.parametrize("name", INDEX)
def test_the_index_says_what_the_command_says(name: str) -> None:
    command = typer.main.get_command(app).commands[name]

    assert command.name == name
    assert INDEX[name].about == command.help.split("\n\n")[0]
