"""What botocore's models refuse, the local cloud refuses, with the modelled error; no more.

Made from the models: each bound of each member of each operation, from both sides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import botocore
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.boundary import BoundaryCase, boundary_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartCloud

    from otactl.cloud import RunningCloud

SERVICES = ("iot", "iot-data", "iot-jobs-data")
#: A sample for `make test`; the rest runs in `make test-all`.
SAMPLE = (
    "CreateJob",
    "UpdateJobExecution",
    "CreateThing",
    "CreateTopicRule",
    "ListThings",
    "UpdateThingShadow",
)
#: Nothing else is asked of these here: they would change what the other cases meet.
LEFT_OUT = ("DeleteAccountAuditConfiguration",)


def client(cloud: RunningCloud, service: str) -> Any:
    """A client that sends what it is given, right or wrong."""
    return boto3.client(
        service,
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}),
    )


def cases(service: str) -> Iterator[BoundaryCase]:
    model = botocore.session.get_session().get_service_model(service)
    for operation in model.operation_names:
        if operation not in LEFT_OUT:
            yield from boundary_cases(model, operation)


def answer(service: Any, case: BoundaryCase) -> tuple[int, str, str]:
    """HTTP status, error code and message; 200 and nothing if it was taken."""
    method = botocore.xform_name(case.operation)
    try:
        getattr(service, method)(**case.members)
    except ClientError as error:
        reported = error.response["Error"]
        return (
            error.response["ResponseMetadata"]["HTTPStatusCode"],
            reported["Code"],
            reported["Message"],
        )
    return 200, "", ""


def wrong(service: Any, case: BoundaryCase) -> str | None:
    """What is wrong with the answer to a case; None if nothing is."""
    status, code, message = answer(service, case)
    refused = status == 400 and "failed to satisfy constraint" in message
    modelled = code in ("InvalidRequestException", "ValidationException")
    if case.valid:
        return f"{case} is answered {status}: {message}" if refused or status >= 500 else None
    return None if refused and modelled else f"{case} is answered {status} {code}: {message[:80]}"


def test_a_sample_of_bounds_is_kept(cloud: RunningCloud) -> None:
    faults = []
    asked = 0
    for service in SERVICES:
        iot = client(cloud, service)
        for case in cases(service):
            # Here only what is refused, so that the shared cloud stays as it is.
            if case.operation in SAMPLE and not case.valid:
                asked += 1
                faults.append(wrong(iot, case))

    assert [fault for fault in faults if fault] == []
    assert asked > 60


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
def test_every_bound_is_kept_from_both_sides(start_cloud: StartCloud, service: str) -> None:
    iot = client(start_cloud(), service)

    faults = [wrong(iot, case) for case in cases(service)]

    assert [fault for fault in faults if fault] == []
    assert len(faults) > {"iot": 1500, "iot-data": 20, "iot-jobs-data": 20}[service]
