"""The phases of a device and all transitions between them. No other file defines any.

A device has at most one current job execution. It moves through these phases::

    IDLE ── the service starts an execution ──▶ ACCEPTED
    ACCEPTED ── the document is valid ──▶ DOWNLOADING ──▶ VERIFYING ──▶ INSTALLING ──▶ REBOOTING
    any of them ── it cannot continue ──▶ REPORTING (FAILED or REJECTED)
    REBOOTING ── the new image runs ──▶ REPORTING (SUCCEEDED)
    INSTALLING ── a device that reports too early ──▶ REPORTING (SUCCEEDED, see ``aftermath``)
    REBOOTING ── it runs, and has a self-test ──▶ SELF_TESTING ──▶ REPORTING (SUCCEEDED)
    REPORTING ── the service accepted the report ──▶ IDLE

Three rules hold for any input in any order:

1. **Only the right image is booted.** The only trigger to INSTALLING is ``IMAGE_RIGHT``, which
   only the verification of the bytes in the slot raises. The slot is switched in INSTALLING,
   never before.
2. **One verdict for one execution.** REPORTING ends with the report or with the loss of the
   execution. The report is fixed and saved when REPORTING begins. The same report, never another
   one, is repeated until the service answers, even by a later process.
3. **The service owns the execution.** The device asks whether it is still ours (describe
   ``$next``): notifications may be late or doubled, so one that names another execution only
   causes the question. ``JOB_GONE`` follows an answer.

Being connected is not a phase. A device continues to verify and install while it is offline. What
needs the connection (block requests, job requests, reports) waits and is sent again after a
reconnect. So every phase survives a lost connection, and the first answer after it shows whether
the execution is still ours.

Sources: execution states and who may set them, AWS IoT Developer Guide, iot-jobs-lifecycle
(aws-facts E); notifications, jobs-comm-notifications (F2); rejection codes, jobs-api (F1) and
mqtt-based-file-delivery-in-devices (G4).
"""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What the device is doing."""

    IDLE = "idle"
    ACCEPTED = "accepted"
    DOWNLOADING = "downloading"
    VERIFYING = "verifying"
    INSTALLING = "installing"
    REBOOTING = "rebooting"
    #: The new image runs its self-test before it is kept, as in FreeRTOS OTA agents.
    SELF_TESTING = "testing"
    REPORTING = "reporting"
    #: Started the execution and reports nothing more: a behaviour that real devices show too.
    SILENT = "silent"


class Trigger(StrEnum):
    """What moves the device from one phase to the next."""

    JOB_TAKEN = "job taken"
    REFUSED = "refused"
    FELL_SILENT = "fell silent"
    IMAGE_WANTED = "image wanted"
    ALREADY_SWITCHED = "already switched"
    ALREADY_DECIDED = "already decided"
    ALL_RECEIVED = "all received"
    IMAGE_RIGHT = "image right"
    SWITCHED = "switched"
    #: SUCCEEDED is reported before the new image runs: real devices do this too.
    PROMISED = "success promised"
    BOOTED = "booted"
    TEST_BEGUN = "test begun"
    TEST_PASSED = "test passed"
    FAILED = "failed"
    REPORT_CLOSED = "report closed"
    JOB_GONE = "job gone"


TRANSITIONS: dict[Phase, dict[Trigger, Phase]] = {
    Phase.IDLE: {
        Trigger.JOB_TAKEN: Phase.ACCEPTED,
    },
    Phase.ACCEPTED: {
        Trigger.REFUSED: Phase.REPORTING,
        Trigger.FELL_SILENT: Phase.SILENT,
        Trigger.IMAGE_WANTED: Phase.DOWNLOADING,
        # The process died between the switch of the slots and the report.
        Trigger.ALREADY_SWITCHED: Phase.REBOOTING,
        # The process died before the service had its verdict.
        Trigger.ALREADY_DECIDED: Phase.REPORTING,
    },
    Phase.DOWNLOADING: {
        Trigger.ALL_RECEIVED: Phase.VERIFYING,
        Trigger.FAILED: Phase.REPORTING,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.VERIFYING: {
        Trigger.IMAGE_RIGHT: Phase.INSTALLING,
        Trigger.FAILED: Phase.REPORTING,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.INSTALLING: {
        Trigger.SWITCHED: Phase.REBOOTING,
        Trigger.PROMISED: Phase.REPORTING,
        Trigger.FAILED: Phase.REPORTING,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.REBOOTING: {
        Trigger.BOOTED: Phase.REPORTING,
        Trigger.TEST_BEGUN: Phase.SELF_TESTING,
        Trigger.FAILED: Phase.REPORTING,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.SELF_TESTING: {
        Trigger.TEST_PASSED: Phase.REPORTING,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.REPORTING: {
        Trigger.REPORT_CLOSED: Phase.IDLE,
        Trigger.JOB_GONE: Phase.IDLE,
    },
    Phase.SILENT: {
        Trigger.JOB_GONE: Phase.IDLE,
    },
}


class IllegalTransition(AssertionError):
    """Raised when the device's own code requests a transition not in the table: a bug of ours.

    Outside input cannot raise it: input that does not fit the phase is ignored before.
    """


def step(phase: Phase, trigger: Trigger) -> Phase:
    """The phase that follows.

    Raises:
        IllegalTransition: The table has no such transition.
    """
    try:
        return TRANSITIONS[phase][trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger!r} while {phase}") from None


class Remedy(StrEnum):
    """What a device does about a refusal."""

    #: The execution has ended, or is no longer ours: drop it.
    LET_GO = "let go"
    #: Our version number is stale: use the service's and retry.
    RESYNC = "resync"
    #: The service is busy or has an error: retry with backoff.
    LATER = "later"
    #: The service cannot read the report: retry with the status only.
    PLAINER = "plainer"
    #: A retry cannot help: report FAILED.
    GIVE_UP = "give up"


#: Refusals of UpdateJobExecution. The remedy for any other code is LATER.
UPDATE_REMEDIES: dict[str, Remedy] = {
    # The guide names InvalidStateTransition for an update of an ended execution, measurements
    # TerminalStateReached (aws-facts E1): both mean the same here.
    "InvalidStateTransition": Remedy.LET_GO,
    "TerminalStateReached": Remedy.LET_GO,
    "ResourceNotFound": Remedy.LET_GO,
    "VersionMismatch": Remedy.RESYNC,
    "RequestThrottled": Remedy.LATER,
    "InternalError": Remedy.LATER,
    "InvalidRequest": Remedy.PLAINER,
    "InvalidJson": Remedy.PLAINER,
    "InvalidTopic": Remedy.PLAINER,
}

#: Refusals of GetStream. The remedy for any other code is LATER.
STREAM_REMEDIES: dict[str, Remedy] = {
    "InternalError": Remedy.LATER,
    "RequestThrottled": Remedy.LATER,
    "ResourceNotFound": Remedy.GIVE_UP,
    "Unauthorized": Remedy.GIVE_UP,
    # The object changed after the stream was created: its bytes must not be used.
    "ETagMismatch": Remedy.GIVE_UP,
    "VersionMismatch": Remedy.GIVE_UP,
    "InvalidTopic": Remedy.GIVE_UP,
    "InvalidJson": Remedy.GIVE_UP,
    "InvalidCbor": Remedy.GIVE_UP,
    "InvalidRequest": Remedy.GIVE_UP,
    "BlockSizeOutOfBounds": Remedy.GIVE_UP,
    "OffsetOutOfBounds": Remedy.GIVE_UP,
    "BlockCountLimitExceeded": Remedy.GIVE_UP,
    "BlockBitmapLimitExceeded": Remedy.GIVE_UP,
}

#: HTTP statuses of an expired presigned URL: the device requests a fresh one.
URL_SPENT = frozenset({400, 401, 403})
#: HTTP statuses for which a fresh URL does not help.
URL_USELESS = frozenset({404, 405, 410, 416})
