"""Every command: where it is, under which heading, and its first sentence.

Help and completion read this, so that they import only the command that is typed; a test compares
it with the commands. In the order of a deployment.
"""

from __future__ import annotations

from typing import NamedTuple

_PREPARE, _BEFORE = "Prepare", "Know before"
_DEPLOY, _WATCH, _HERE = "Deploy", "Watch and stop", "On this machine"


class Entry(NamedTuple):
    """A command of ``otactl``.

    Attributes:
        panel: The heading it has in the help.
        about: The first sentence of its help.
        location: ``module:name`` below ``otactl.cli``, of its function or its group; empty if
            both have the command's name.
    """

    panel: str
    about: str
    location: str = ""


INDEX = {
    "init": Entry(_PREPARE, "Ask for the values of a dev.ini and write it."),
    "things": Entry(_PREPARE, "Write a thing list: one ARN per line, each thing once."),
    "validate": Entry(
        _PREPARE, "Check FILE and every file it names; AWS is not called, nothing is changed."
    ),
    "iam": Entry(
        _PREPARE,
        "Print the IAM policies that deploying FILE needs, and nothing more than it needs.",
    ),
    "doctor": Entry(
        _PREPARE, "Check whether this account is ready to deploy, and say what to fix."
    ),
    "rehearse": Entry(
        _BEFORE, "Rehearse the deployment of FILE on this machine, then remove everything."
    ),
    "forecast": Entry(
        _BEFORE,
        "Say what deploying FILE will do: how long, to how many things, for how much,"
        " when it aborts.",
    ),
    "lint": Entry(
        _BEFORE,
        "Find settings of FILE that would not work as intended: aborts, rates, timeouts, alarms.",
    ),
    "plan": Entry(
        _BEFORE,
        "Print what deploying FILE reaches, how fast, what it creates and costs; change nothing.",
        "deploy:plan",
    ),
    "deploy": Entry(_DEPLOY, "Deploy the image of FILE to the things of its list."),
    "resume": Entry(
        _DEPLOY,
        "Continue a deployment that was killed or interrupted, and run it to its end.",
        "stored:resume",
    ),
    "clean": Entry(
        _DEPLOY,
        "Delete everything a deployment created: job, stream, alarms, group, objects.",
        "stored:clean",
    ),
    "approve": Entry(
        _DEPLOY,
        "Let the next wave begin: only a gate that waits for approval accepts this, only once.",
        "decide:approve",
    ),
    "reject": Entry(
        _DEPLOY,
        "Stop a deployment in waves: every open job of it is cancelled, without force.",
        "decide:reject",
    ),
    "pause": Entry(
        _DEPLOY,
        "Let no further wave begin until `otactl continue`; a gate may still fail meanwhile.",
        "decide:pause",
    ),
    "continue": Entry(_DEPLOY, "End a pause.", "decide:continue_"),
    "rollback": Entry(
        _DEPLOY,
        "Roll back a deployment: stop it, and return the things to their former versions.",
    ),
    "retry-failed": Entry(
        _DEPLOY,
        "Deploy to exactly the things that failed, timed out, were rejected or did not"
        " get the job.",
    ),
    "monitor": Entry(
        _WATCH, "Watch jobs: how far, how fast, when done, what fails and why, who is stuck."
    ),
    "cancel": Entry(
        _WATCH,
        "Cancel a job: the rollout stops, queued executions end, executions in progress continue.",
    ),
    "report": Entry(_WATCH, "Write the report of a deployment, also long after its job is gone."),
    "history": Entry(
        _WATCH, "List the deployments of this machine, the newest first.", "stored:history"
    ),
    "config": Entry(_PREPARE, "Explain the keys of a dev.ini.", "config:app"),
    "example": Entry(
        _PREPARE,
        "Files to begin with: configurations, profiles, CI files, templates, scripts.",
        "example:app",
    ),
    "profile": Entry(
        _BEFORE, "Fleet profiles: how a fleet connects, downloads and fails.", "profile:app"
    ),
    "queue": Entry(
        _DEPLOY,
        "Deployments queued for CI: add them here, let workers deploy them.",
        "queue.commands:app",
    ),
    "stack": Entry(
        _WATCH, "Metrics of your devices, alarms on them, and a stop for bad rollouts.", "stack:app"
    ),
    "local": Entry(_HERE, "A cloud on this machine: AWS APIs, MQTT, streams.", "local:app"),
    "fleet": Entry(_HERE, "Virtual devices that really download and verify.", "fleet:app"),
}


def location_of(name: str) -> tuple[str, str]:
    """The module of a command below ``otactl.cli``, and its function or its group there."""
    own_name = name.replace("-", "_")
    module, _, attribute = (INDEX[name].location or f"{own_name}:{own_name}").partition(":")
    return module, attribute
