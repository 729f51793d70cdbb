"""Help texts that read well at any width, with examples.

A docstring is wrapped for people who read the code; in help its paragraphs flow. A flag takes no
value, so none is named behind it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: By command, as it is typed behind ``otactl``.
EXAMPLES = {
    "init": ("init dev.ini", "init pilot.ini --from dev.ini"),
    "things": (
        "things --group pumps --out things.txt",
        "things --query 'attributes.model:x AND connectivity.connected:true'",
    ),
    "validate": ("validate dev.ini", "validate dev.ini -o json"),
    "iam": ("iam dev.ini", "iam dev.ini --only user >policy.json"),
    "doctor": ("doctor", "doctor dev.ini --profile staging"),
    "rehearse": (
        "rehearse dev.ini --things 200 --behave fail=5,silent=1",
        "rehearse dev.ini --speed 30 --junit result.xml",
    ),
    "forecast": (
        "forecast dev.ini --things 20000 --failure-rate 0.05",
        "forecast dev.ini --suggest --within 4h --max-bricked 50 --failure-rate 0.2",
    ),
    "lint": ("lint *.ini --strict", "lint --explain OTA104"),
    "plan": ("plan dev.ini", "plan dev.ini --out plan.json"),
    "deploy": ("deploy dev.ini", "deploy dev.ini --yes --report result.html --junit result.xml"),
    "resume": ("resume", "resume 20270301T140000Z-1a2b3c"),
    "clean": ("clean", "clean 20270301T140000Z-1a2b3c --yes"),
    "approve": ("approve job-7", "approve job-7 --wave canary --comment 'looked at the logs'"),
    "reject": ("reject job-7", "reject job-7 --comment 'too slow on the old bootloader'"),
    "pause": ("pause job-7", "pause job-7 --comment 'the weekend'"),
    "continue": ("continue job-7", "continue 20270301T140000Z-1a2b3c"),
    "retry-failed": ("retry-failed job-7", "retry-failed job-7 --dry-run"),
    "monitor": ("monitor dev.ini", "monitor job-7 job-8 --web"),
    "cancel": ("cancel job-7", "cancel job-7 --thing pump-3 --force"),
    "report": ("report job-7", "report job-7 --out executions.csv"),
    "history": ("history", "history -o json"),
    "config explain": ("config explain rounds", "config explain ABORT_CONFIG"),
    "config template": ("config template >dev.ini", "config template | less"),
    "example list": ("example list", "example list | grep profiles"),
    "example copy": ("example copy dev.ini", "example copy profiles deployment --to pilot"),
    "profile from-report": (
        "profile from-report report.json",
        "profile from-report report.json --out fleet.toml",
    ),
    "queue init": ("queue init", "queue init --table jobs --ttl"),
    "queue add": ("queue add dev.ini", "queue add dev.ini --priority high --not-before 2h"),
    "queue create": ("queue create dev.ini", "queue create dev.ini --split 1000"),
    "queue list": ("queue list", "queue list -o json"),
    "queue show": ("queue show job-7", "queue show job-7 -o json"),
    "queue cancel": ("queue cancel job-7", "queue cancel --series batch-7"),
    "queue retry": ("queue retry job-7", "queue retry job-7 -o json"),
    "queue fetch": ("queue fetch", "queue fetch --claim"),
    "queue run": ("queue run --once --report-dir reports", "queue run --drain --workers 4"),
    "stack deploy": ("stack deploy", "stack deploy --email team@example.com"),
    "stack status": ("stack status", "stack status -o json"),
    "stack outputs": ("stack outputs", "stack outputs -o json"),
    "stack delete": ("stack delete", "stack delete --yes"),
    "stack template": ("stack template >template.yaml", "stack template -o json"),
    "stack test": ("stack test", "stack test -o json"),
    "local up": ("local up", "local up --detach --speed 30"),
    "local env": ('eval "$(otactl local env)"', "local env -o json"),
    "local status": ("local status", "local status -o json"),
    "local down": ("local down", "local down --state-dir cloud"),
    "fleet create": ("fleet create -n 10 -g bench", "fleet create -n 200 -g pumps"),
    "fleet run": ("fleet run", "fleet run --behave fail=10"),
    "fleet list": ("fleet list", "fleet list -o json"),
    "fleet delete": ("fleet delete", "fleet delete --dir pumps"),
}


def commands_of(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command below a group, by what is typed behind ``otactl``."""
    for each, below in getattr(command, "commands", {}).items():
        full = f"{name} {each}".strip()
        if hasattr(below, "commands"):
            yield from commands_of(below, full)
        yield full, below


def prepare_help(command: Any) -> None:
    """Let every help text below a group flow, with its examples."""
    for name, each in commands_of(command):
        each.help = _flowing(each.help or "")
        if name in EXAMPLES:
            lines = [line if "otactl" in line else f"otactl {line}" for line in EXAMPLES[name]]
            each.epilog = "\n\n".join(["Examples:", *lines]).replace("[", "\\[")
        each.format_help = partial(_format_help, each, each.format_help)


def _format_help(command: Any, inner: Callable[..., None], context: Any, formatter: Any) -> None:
    """Write the help of a command whose flags name no value, that for help included."""
    for parameter in command.get_params(context):
        if getattr(parameter, "is_flag", False) and parameter.metavar is None:
            parameter.metavar = ""
    inner(context, formatter)


def _flowing(text: str) -> str:
    paragraphs = text.replace("\r", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
