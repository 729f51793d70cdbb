"""What a virtual device may do: be itself, and reach its own jobs and streams.

``${iot:Connection.Thing.ThingName}`` stands for the thing whose certificate connects with the
thing's name as client id (IoT Developer Guide, thing-policy-variables). A client id without such
a thing leaves the variable unfilled, and nothing matches.
"""

from __future__ import annotations

from typing import Any

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
    "iot:Publish": tuple(f"topic/{topic}" for topic in _REQUESTS),
    "iot:Receive": (f"topic/{_JOBS}/*", f"topic/{_STREAMS}/*"),
    "iot:Subscribe": (f"topicfilter/{_JOBS}/*", f"topicfilter/{_STREAMS}/*"),
}


def device_policy(*, partition: str, region: str, account: str) -> dict[str, Any]:
    """The policy of every device of a fleet, an IoT policy document."""
    base = f"arn:{partition}:iot:{region}:{account}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": [f"{base}:{name}" for name in names]}
            for action, names in _ALLOWED.items()
        ],
    }
