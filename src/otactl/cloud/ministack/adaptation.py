"""Puts every adaptation of MiniStack in place, or says which one it could not and why.

One that does not fit any more is left out with a clear line in the log; MiniStack works without
it, only less like AWS or slower. ``tests/contract/test_ministack.py`` fails then.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from otactl.cloud.ministack import (
    alarm,
    asker,
    ca_key,
    client_certificate,
    function_credentials,
    invocation,
    job_message,
    job_request,
    lambda_log,
    leading_keys,
    metric_namespace,
    model_check,
    outbox,
    paging,
    presigned_age,
    registry,
    retry,
    stream_arn,
    subscription_index,
    thing_group,
    timeout,
)
from otactl.cloud.ministack.shape import ShapeChanged

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("otactl.cloud.ministack")

_PAGES = "pages of lists"

#: By what is lost without it. Retries come before timeouts: a timeout tells the thing of both.
#: Pages come after whatever lists, and the models' checks last: they look at a request first.
ADAPTATIONS: dict[str, Callable[[], None]] = {
    "the refusal of clients without a certificate": client_certificate.install,
    "random credentials of functions": function_credentials.install,
    "the age of presigned URLs in real time": presigned_age.install,
    "the checks of CreateJob": job_request.install,
    "the checks of Jobs over MQTT": job_message.install,
    "retries of failed executions": retry.install,
    "notifications of timeouts": timeout.install,
    "IAM policies that name streams": stream_arn.install,
    "alarms by CloudWatch's rules": alarm.install,
    "permissions and retries of calls to functions": invocation.install,
    "permissions to write a function's log": lambda_log.install,
    "the condition key cloudwatch:namespace": metric_namespace.install,
    "the condition key dynamodb:LeadingKeys": leading_keys.install,
    "e-mails and text messages": outbox.install,
    "the remembered CA key (registering a large fleet will be slow)": ca_key.install,
    "the subscription index (a large fleet will be slow)": subscription_index.install,
    "answers to the connection that asked": asker.install,
    "the small rules of the registry": registry.install,
    "groups in groups": thing_group.install,
    _PAGES: paging.install,
    "the checks of the service models": model_check.install,
}


def install_all(*, largest_page: int = paging.LARGEST_PAGE) -> dict[str, str]:
    """Install each adaptation that fits.

    Args:
        largest_page: Entries in a page of a list at most.

    Returns:
        What is missing, with the reason.
    """
    missing = {}
    adaptations = ADAPTATIONS | {_PAGES: partial(paging.install, largest_page)}
    for name, install in adaptations.items():
        try:
            install()
        except (ShapeChanged, AttributeError) as error:
            _log.warning("this MiniStack is not the one expected, so we lack %s: %s", name, error)
            missing[name] = str(error)
    return missing
