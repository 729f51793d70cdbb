"""What is there: everything a deployment could leave behind, looked up in the cloud.

A rehearsal takes the inventory before and after; the difference is what was left behind.
"""

from __future__ import annotations

from otactl.aws.clients import AwsClients
from otactl.aws.translate import translated


def take_inventory(clients: AwsClients, buckets: tuple[str, ...]) -> frozenset[str]:
    """Streams, jobs, thing groups, alarms, and the objects of these buckets in every version."""
    return frozenset(
        [
            *_streams(clients),
            *_jobs(clients),
            *_groups(clients),
            *_alarms(clients),
            *(name for bucket in buckets for name in _objects(clients, bucket)),
        ]
    )


@translated("iot")
def _streams(clients: AwsClients) -> list[str]:
    pages = clients.iot.get_paginator("list_streams").paginate()
    return [f"stream/{stream['streamId']}" for page in pages for stream in page["streams"]]


@translated("iot")
def _jobs(clients: AwsClients) -> list[str]:
    pages = clients.iot.get_paginator("list_jobs").paginate()
    return [f"job/{job['jobId']}" for page in pages for job in page["jobs"]]


@translated("iot")
def _groups(clients: AwsClients) -> list[str]:
    pages = clients.iot.get_paginator("list_thing_groups").paginate()
    return [f"thinggroup/{group['groupName']}" for page in pages for group in page["thingGroups"]]


@translated("cloudwatch")
def _alarms(clients: AwsClients) -> list[str]:
    pages = clients.cloudwatch.get_paginator("describe_alarms").paginate()
    return [f"alarm/{alarm['AlarmName']}" for page in pages for alarm in page["MetricAlarms"]]


@translated("s3")
def _objects(clients: AwsClients, bucket: str) -> list[str]:
    pages = clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return [
        f"s3://{bucket}/{version['Key']}" for page in pages for version in page.get("Versions", [])
    ]
