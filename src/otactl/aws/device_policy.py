"""What a virtual device may do: be itself, reach its own jobs and streams, write its own shadows.

``${iot:Connection.Thing.ThingName}`` stands for the thing whose certificate connects with the
thing's name as client id (IoT Developer Guide, thing-policy-variables). A client id without such
a thing leaves the variable unfilled, and nothing matches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otactl.model.thing_state import PACKAGE_SHADOW
from otactl.wire.shadow_message import shadow_update_topic

_THING = "${iot:Connection.Thing.ThingName}"
_JOBS = f"$aws/things/{_THING}/jobs"
_STREAMS = f"$aws/things/{_THING}/streams"
_REQUESTS = (
    f"{_JOBS}/start-next",
    f"{_JOBS}/get",
    f"{_JOBS}/*/get",
    f"{_JOBS}/*/update",
    f"{_STREAMS}/*/get/*",
    f"{_STREAMS}/*/describe/*",
)
_ALLOWED = {
    "iot:Connect": (f"client/{_THING}",),
    "iot:Receive": (f"topic/{_JOBS}/*", f"topic/{_STREAMS}/*"),
    "iot:Subscribe": (f"topicfilter/{_JOBS}/*", f"topicfilter/{_STREAMS}/*"),
}


def device_policy(
    *, partition: str, region: str, account: str, shadows: Sequence[str] = ()
) -> dict[str, Any]:
    """The policy of every device of a fleet, an IoT policy document.

    Args:
        partition: Of the region.
        region: Where the fleet is.
        account: Whose it is.
        shadows: Named shadows that it writes beside the classic one and ``$package``.
    """
    base = f"arn:{partition}:iot:{region}:{account}"
    reports = [shadow_update_topic(_THING, name) for name in ("", PACKAGE_SHADOW, *shadows)]
    publish = tuple(dict.fromkeys(f"topic/{topic}" for topic in (*_REQUESTS, *reports)))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": [f"{base}:{name}" for name in names]}
            for action, names in (_ALLOWED | {"iot:Publish": publish}).items()
        ],
    }
