"""The reason codes otactl gives when it cancels a job (CancelJob reasonCode: up to 128 of A-Z0-9_).

They tell a person's act from the force-stopper's, for the deployment that watches and for people
who look at the job later.
"""

from __future__ import annotations

#: The force-stopper acted on an alarm. ``lambdas`` cannot import this; a test keeps them equal.
FORCE_STOP_REASON_CODE = "OTACTL_FORCE_STOP"
#: A person used ``otactl cancel``, the monitor's key or the page's button.
USER_CANCEL_REASON_CODE = "OTACTL_USER_CANCEL"
#: A wave's gate failed, or a person rejected the deployment.
GATE_REASON_CODE = "OTACTL_GATE_STOP"
#: `otactl rollback` stopped the deployment that it takes back.
ROLLBACK_REASON_CODE = "OTACTL_ROLLBACK_STOP"
#: A deployment in waves ended, or ``openDays`` are over: what is still open is closed.
CLOSE_REASON_CODE = "OTACTL_CLOSE_CANCEL"
#: Every thing of a wave with a CONTINUOUS job has ended; such a job never completes by itself.
SETTLED_REASON_CODE = "OTACTL_SETTLED_CANCEL"
