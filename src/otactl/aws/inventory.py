"""Lists everything in the account that a deployment could leave behind.

A rehearsal takes the inventory before and after; the difference is what was left behind.
"""

from __future__ import annotations

from otactl.aws.clients import AwsClients

#: How each kind is named here, by service, operation and member of its pages.
_KINDS = {
    ("iot", "list_streams", "streams"): "stream/{streamId}",
    ("iot", "list_jobs", "jobs"): "job/{jobId}",
    ("iot", "list_thing_groups", "thingGroups"): "thinggroup/{groupName}",
    ("cloudwatch", "describe_alarms", "MetricAlarms"): "alarm/{AlarmName}",
}


def take_inventory(clients: AwsClients, buckets: tuple[str, ...]) -> frozenset[str]:
    """Streams, jobs, thing groups, alarms, and the objects of these buckets in every version."""
    found = {
        name.format_map(each) for kind, name in _KINDS.items() for each in clients.listed(*kind)
    }
    objects = {
        f"s3://{bucket}/{each['Key']}"
        for bucket in buckets
        for each in clients.listed("s3", "list_object_versions", "Versions", Bucket=bucket)
    }
    return frozenset(found | objects)
