"""Puts every adaptation of MiniStack in place, or says which one it could not and why.

One that does not fit any more is left out with a clear line in the log; MiniStack works without
it, only less like AWS or slower. ``tests/contract/test_ministack.py`` fails then.
"""

from __future__ import annotations

import logging

from otactl.cloud.ministack import (
    alarm,
    ca_key,
    client_certificate,
    invocation,
    job_message,
    job_request,
    lambda_log,
    metric_namespace,
    model_check,
    outbox,
    retry,
    stream_arn,
    subscription_index,
    timeout,
)
from otactl.cloud.ministack.shape import ShapeChanged

_log = logging.getLogger("otactl.cloud.ministack")

#: By what is lost without it. Retries come before timeouts: a timeout tells the thing of both.
ADAPTATIONS = {
    "the refusal of clients without a certificate": client_certificate.install,
    "the checks of CreateJob": job_request.install,
    "the checks of the service models": model_check.install,
    "the checks of Jobs over MQTT": job_message.install,
    "retries of failed executions": retry.install,
    "notifications of timeouts": timeout.install,
    "IAM policies that name streams": stream_arn.install,
    "alarms by CloudWatch's rules": alarm.install,
    "permissions and retries of calls to functions": invocation.install,
    "permissions to write a function's log": lambda_log.install,
    "the condition key cloudwatch:namespace": metric_namespace.install,
    "e-mails and text messages": outbox.install,
    "the remembered CA key (registering a large fleet will be slow)": ca_key.install,
    "the subscription index (a large fleet will be slow)": subscription_index.install,
}


def install_all() -> dict[str, str]:
    """Install each adaptation that fits.

    Returns:
        What is missing, with the reason.
    """
    missing = {}
    for name, install in ADAPTATIONS.items():
        try:
            install()
        except (ShapeChanged, AttributeError) as error:
            _log.warning("this MiniStack is not the one expected, so we lack %s: %s", name, error)
            missing[name] = str(error)
    return missing
