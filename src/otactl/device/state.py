"""What a device may be doing, and everything that can change it. This file is the whole truth.

A device has at most one job execution in hand. Its life is a walk through the phases below::

    IDLE ── the service hands out an execution ──▶ ACCEPTED
    ACCEPTED ── the document is good ──▶ DOWNLOADING ──▶ VERIFYING ──▶ INSTALLING ──▶ REBOOTING
    any of them ── it cannot go on ──▶ REPORTING (FAILED or REJECTED)
    REBOOTING ── the new image runs ──▶ REPORTING (SUCCEEDED)
    INSTALLING ── a device that promises too early ──▶ REPORTING (SUCCEEDED, see ``aftermath``)
    REBOOTING ── it runs, of a device that tests itself ──▶ SELF_TESTING ──▶ REPORTING (SUCCEEDED)
    REPORTING ── the service took the report ──▶ IDLE

Three rules hold whatever arrives, in whatever order:

1. **Only the right image is booted.** The one way to INSTALLING is ``IMAGE_RIGHT``, and nothing
   but the verification of the very bytes in the slot raises it. The slot is switched in
   INSTALLING, never before.
2. **One verdict for one execution.** REPORTING has a single way out besides losing the execution,
   and what is reported is fixed, and saved, on the way in. The same report is sent again until
   the service answers it, by a later process too; another one never.
3. **The service owns the execution.** Whether it is still ours is asked (describe ``$next``), not
   guessed: a notification that names another execution only makes the device ask, because
   notifications may be late or doubled. ``JOB_GONE`` follows an answer.

Being connected is no phase. A device goes on verifying and installing while it is offline; what
needs the connection (requests for blocks, questions, reports) waits and starts afresh when the
connection is back, so every phase survives a lost connection, and the first question after it
settles whether the work still counts.

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
    #: The new image runs and is tried before it is kept, as FreeRTOS OTA agents do.
    SELF_TESTING = "testing"
    REPORTING = "reporting"
    #: Took the execution and says nothing more: one of the behaviours, and real life.
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
    #: SUCCEEDED is said before the new image runs: one of the behaviours, and real life.
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
        # The process died before its verdict was on record.
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
    """Raised when the device's own code asks for a step the table does not have: a bug of ours.

    Nothing that comes from outside can raise it; what does not fit the phase is ignored before.
    """


def step(phase: Phase, trigger: Trigger) -> Phase:
    """The phase that follows.

    Raises:
        IllegalTransition: The table has no such step.
    """
    try:
        return TRANSITIONS[phase][trigger]
    except KeyError:
        raise IllegalTransition(f"{trigger!r} while {phase}") from None


class Remedy(StrEnum):
    """What a device does about a refusal."""

    #: The execution has ended, or is not ours any more: let go of it.
    LET_GO = "let go"
    #: Our version number is stale: take the service's and send again.
    RESYNC = "resync"
    #: The service is busy or broken: send again, later each time.
    LATER = "later"
    #: The service cannot read what we send: send again with the bare minimum.
    PLAINER = "plainer"
    #: Asking again cannot help: report FAILED.
    GIVE_UP = "give up"


#: Refusals of UpdateJobExecution. A code that is not here is taken for LATER.
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

#: Refusals of GetStream. A code that is not here is taken for LATER.
STREAM_REMEDIES: dict[str, Remedy] = {
    "InternalError": Remedy.LATER,
    "RequestThrottled": Remedy.LATER,
    "ResourceNotFound": Remedy.GIVE_UP,
    "Unauthorized": Remedy.GIVE_UP,
    # The object is not the one the stream was made for: other bytes must not be taken.
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

#: HTTP statuses of a presigned URL that say it is spent: a fresh one is asked for.
URL_SPENT = frozenset({400, 401, 403})
#: HTTP statuses that no fresh URL mends.
URL_USELESS = frozenset({404, 405, 410, 416})
