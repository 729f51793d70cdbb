"""Every command: where it is, under which heading, and its first sentence.

Help and completion read this, so that they import no command but the one that is typed; a test
holds it against the commands. In the order in which a deployment goes.
"""

from __future__ import annotations

from typing import NamedTuple

_PREPARE, _BEFORE = "Prepare", "Know before"
_DEPLOY, _WATCH, _HERE = "Deploy", "Watch and stop", "On this machine"


class Entry(NamedTuple):
    """A command of ``otactl``.

    Attributes:
        panel: The heading below which help has it.
        location: ``module:name`` below ``otactl.cli``, of its function or of its group.
        about: The first sentence of its help.
    """

    panel: str
    location: str
    about: str


INDEX = {
    "init": Entry(_PREPARE, "init:init", "Ask for the values of a dev.ini and write it."),
    "things": Entry(
        _PREPARE, "things:things", "Write a thing list: one ARN per line, each thing once."
    ),
    "validate": Entry(
        _PREPARE,
        "validate:validate",
        "Check FILE and every file it names; nothing is called and nothing is changed.",
    ),
    "iam": Entry(
        _PREPARE,
        "iam:iam",
        "Print the IAM policies that deploying FILE needs, and nothing more than it needs.",
    ),
    "doctor": Entry(
        _PREPARE,
        "doctor:doctor",
        "Say whether this account is ready to deploy, and what to do about what is not.",
    ),
    "rehearse": Entry(
        _BEFORE,
        "rehearse:rehearse",
        "Rehearse the deployment of FILE on this machine, then take everything down.",
    ),
    "forecast": Entry(
        _BEFORE,
        "forecast:forecast",
        "Say what deploying FILE will do: how long, to how many things,"
        " for how much, when it aborts.",
    ),
    "lint": Entry(
        _BEFORE,
        "lint:lint",
        "Say what in FILE would not do what it is meant to: aborts, rates, timeouts, alarms.",
    ),
    "plan": Entry(
        _BEFORE,
        "plan:plan",
        "Print whom deploying FILE reaches, how fast, what it creates and costs; change nothing.",
    ),
    "deploy": Entry(
        _DEPLOY, "deploy:deploy", "Deploy the image of FILE to the things of its list."
    ),
    "resume": Entry(
        _DEPLOY,
        "resume:resume",
        "Continue a deployment that was killed or interrupted, and carry it to its end.",
    ),
    "clean": Entry(
        _DEPLOY,
        "clean:clean",
        "Delete everything a deployment created: job, stream, alarms, group, objects.",
    ),
    "approve": Entry(
        _DEPLOY,
        "decide:approve",
        "Let the next wave begin: only a gate that asks for a person takes this, and only once.",
    ),
    "reject": Entry(
        _DEPLOY,
        "decide:reject",
        "Stop a deployment in waves: every open job of it is cancelled, without force.",
    ),
    "pause": Entry(
        _DEPLOY,
        "decide:pause",
        "Let no further wave begin until `otactl continue`; a gate may still fail meanwhile.",
    ),
    "continue": Entry(_DEPLOY, "decide:continue_", "Take a pause back."),
    "rollback": Entry(
        _DEPLOY,
        "rollback:rollback",
        "Take a deployment back: stop it, and give each thing that took the image what it had.",
    ),
    "retry-failed": Entry(
        _DEPLOY,
        "retry_failed:retry_failed",
        "Deploy to exactly the things that failed, timed out,"
        " were rejected or did not get the job.",
    ),
    "monitor": Entry(
        _WATCH,
        "monitor:monitor",
        "Watch jobs: how far, how fast, when done, what fails and why, who is stuck.",
    ),
    "cancel": Entry(
        _WATCH,
        "cancel:cancel",
        "Cancel a job: nothing more is rolled out, what is queued ends,"
        " what is in progress goes on.",
    ),
    "report": Entry(
        _WATCH,
        "report:report",
        "Write what became of a deployment, also long after its job is gone.",
    ),
    "history": Entry(
        _WATCH, "history:history", "List the deployments of this machine, the newest first."
    ),
    "config": Entry(_PREPARE, "config:app", "Explain the keys of a dev.ini."),
    "example": Entry(
        _PREPARE,
        "example:app",
        "Files to begin with: configurations, profiles, CI files, templates, scripts.",
    ),
    "profile": Entry(
        _BEFORE, "profile:app", "Fleet profiles: how a fleet connects, downloads and fails."
    ),
    "queue": Entry(
        _DEPLOY,
        "queue.commands:app",
        "Deployments queued for CI: add them here, let workers deploy them.",
    ),
    "stack": Entry(
        _WATCH, "stack:app", "Metrics of your devices, alarms on them, and a stop for bad rollouts."
    ),
    "local": Entry(_HERE, "local:app", "A cloud on this machine: AWS APIs, MQTT, streams."),
    "fleet": Entry(_HERE, "fleet:app", "Virtual devices that really download and verify."),
}
