"""What `otactl doctor` says of an account, for answers that the local cloud never gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from tests.support.dev_ini import REQUIRED, ROLE, alarm_ini, configuration_of, dev_ini, section

from otactl.aws.account_check import check_account
from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.deployment_check import check_deployment
from otactl.errors import CredentialsUnusable
from otactl.model.diagnosis import Diagnosis

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "arn:aws:iam::123456789012:user/u"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "A", "Effect": "Allow", "Action": ["iot:CreateJob"], "Resource": "*"}],
}
TRUST = (
    '{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": {"a": {"b": "c"}},'
    ' "Principal": {"Service": ["iot.amazonaws.com"]}}}'
)


@pytest.fixture(scope="module")
def clients() -> AwsClients:
    return AwsClients(
        AwsSettings(region="us-east-1", access_key_id="AKIA", secret_access_key="secret")
    )


class Account:
    """An account whose answers a test writes."""

    def __init__(self, clients: AwsClients, stack: ExitStack) -> None:
        self.clients = clients
        self.stubs = {
            "iot": Stubber(clients.iot),
            "quotas": Stubber(clients.service_quotas),
            "s3": Stubber(clients.s3),
            "iam": Stubber(clients.iam),
            "sns": Stubber(clients.sns),
        }
        for stub in self.stubs.values():
            stack.enter_context(stub)

    def answers(
        self, service: str, operation: str, fields: Any, expected: dict[str, Any] | None = None
    ) -> None:
        """What an operation returns, or the code and status of its refusal."""
        stub = self.stubs[service]
        if isinstance(fields, tuple):
            code, status, *headers = fields
            meta = {"HTTPHeaders": headers[0]} if headers else {}
            stub.add_client_error(operation, code, "no", status, response_meta=meta)
        else:
            stub.add_response(operation, fields, expected)

    def plain(self, *, but: Mapping[str, Any] | None = None) -> None:
        """The answers of an account without anything special, but for those that are given."""
        answers: dict[str, Any] = {
            "describe_endpoint": {"endpointAddress": "x.iot"},
            "describe_event_configurations": {"eventConfigurations": {"JOB": {"Enabled": True}}},
            "get_indexing_configuration": {},
            "get_package_configuration": {},
        }
        for operation, fields in (answers | dict(but or {})).items():
            self.answers("iot", operation, fields)

    def quotas(self, **values: float) -> None:
        """Service Quotas with these of AWS IoT."""
        services = [{"ServiceCode": "iot", "ServiceName": "AWS IoT Core"}]
        services.append({"ServiceCode": "s3", "ServiceName": "Amazon S3"})
        self.answers("quotas", "list_services", {"Services": services})
        quotas = [
            {"QuotaName": name.replace("_", " "), "Value": value} for name, value in values.items()
        ]
        self.answers("quotas", "list_service_quotas", {"Quotas": quotas}, {"ServiceCode": "iot"})

    def check(self, rate_wanted: int | None = None) -> dict[str, list[Diagnosis]]:
        """The findings about the account."""
        return by_area(check_account(self.clients, USER, 0, rate_wanted))

    def check_file(
        self, text: str | None = None, identity: str = USER
    ) -> dict[str, list[Diagnosis]]:
        """The findings about what a file names."""
        return by_area(
            check_deployment(
                self.clients,
                configuration_of(text or dev_ini()),
                identity=identity,
                user_policy=POLICY,
                reader_policy=POLICY,
            )
        )

    def bucket(self, head: Any, versioning: Any = None) -> None:
        """What S3 says of the bucket."""
        self.answers("s3", "head_bucket", head)
        self.answers("s3", "get_bucket_versioning", versioning or {})

    def role(self) -> None:
        """A role as it should be."""
        role = {"Path": "/", "RoleName": "stream", "RoleId": "A" * 16, "Arn": ROLE}
        document = {"AssumeRolePolicyDocument": TRUST, "CreateDate": "2026-01-01T00:00:00Z"}
        self.answers("iam", "get_role", {"Role": role | document})
        self.simulates(ROLE, "allowed")

    def simulates(self, principal: str, decision: str) -> None:
        """What the simulator says of an action of a principal."""
        result = {"EvalActionName": "iot:CreateJob", "EvalDecision": decision}
        self.answers(
            "iam",
            "simulate_principal_policy",
            {"EvaluationResults": [result]},
            {
                "PolicySourceArn": principal,
                "ActionNames": ["iot:CreateJob"],
                "ResourceArns": ["*"],
                "ContextEntries": [],
            },
        )


def by_area(found: Iterator[Diagnosis]) -> dict[str, list[Diagnosis]]:
    areas: dict[str, list[Diagnosis]] = {}
    for each in found:
        areas.setdefault(each.area, []).append(each)
    return areas


@pytest.fixture
def account(clients: AwsClients) -> Iterator[Account]:
    with ExitStack() as stack:
        yield Account(clients, stack)


def the(found: dict[str, list[Diagnosis]], area: str) -> tuple[str, str, str]:
    (one,) = found[area]
    return one.health.value, one.found, one.advice


@pytest.mark.parametrize(
    ("wanted", "health"), [(None, "good"), (1000, "good"), (1001, "bad"), (500, "good")]
)
def test_a_rollout_that_is_faster_than_the_quota_is_bad(
    account: Account, wanted: int | None, health: str
) -> None:
    account.plain()
    account.quotas(Job_executions_rollout_rate=1000.0, Concurrent_jobs=5.0)

    found_health, words, advice = the(account.check(wanted), "quotas")

    assert found_health == health
    assert words.startswith("Job executions rollout rate: 1000")
    assert ("maximumPerMinute" in advice) is (health == "bad")


def test_quotas_that_are_not_listed_and_may_not_be_asked_for_are_unknown(account: Account) -> None:
    account.plain()
    account.quotas(Concurrent_jobs=5.0)
    assert the(account.check(), "quotas")[:2] == (
        "unknown",
        "Service Quotas lists none for the rollout of jobs",
    )

    account.plain()
    account.answers("quotas", "list_services", ("AccessDeniedException", 400))
    assert the(account.check(), "quotas") == (
        "unknown",
        "service-quotas:ListServices is not allowed",
        "allow service-quotas:ListServices",
    )


@pytest.mark.parametrize(
    ("answer", "health", "words"),
    [
        ({"versionUpdateByJobsConfig": {"enabled": True}}, "good", "jobs update the package"),
        ({"versionUpdateByJobsConfig": {"enabled": False}}, "good", "jobs do not update"),
        ({}, "good", "jobs do not update"),
        (("UnknownOperationException", 404), "unknown", "not available here"),
        (("AccessDeniedException", 403), "unknown", "is not allowed"),
        (("InvalidRequestException", 400), "bad", "AWS refused iot:GetPackageConfiguration"),
    ],
)
def test_what_is_said_of_packages(account: Account, answer: Any, health: str, words: str) -> None:
    account.plain(but={"get_package_configuration": answer})
    account.quotas()
    found = the(account.check(), "packages")
    assert (found[0], words in found[1]) == (health, True)


def test_a_clock_that_cannot_be_compared_is_unknown_and_one_event_that_is_off_is_named(
    account: Account,
) -> None:
    account.plain()
    account.quotas()
    found = account.check()
    assert the(found, "clock")[:2] == ("unknown", "AWS did not say what time it is")
    assert the(found, "job events")[1].startswith("JOB_EXECUTION events are off")
    assert the(found, "identity")[:2] == ("good", f"{USER}, region us-east-1")


def test_an_endpoint_that_is_refused_is_bad(account: Account) -> None:
    account.plain(but={"describe_endpoint": ("InternalFailureException", 500)})
    account.quotas()
    assert the(account.check(), "endpoint")[0] == "bad"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"BucketRegion": "eu-west-1"}, "is in eu-west-1, the deployment in us-east-1"),
        (("301", 301, {"x-amz-bucket-region": "eu-west-1"}), "is in eu-west-1, the deployment"),
        (("403", 403), "is not account 123456789012's, or these credentials may not see it"),
        (("404", 404), "does not exist"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_bad(account: Account, head: Any, words: str) -> None:
    account.bucket(head)
    account.role()
    account.simulates(USER, "allowed")
    health, found, advice = the(account.check_file(), "bucket")
    assert (health, words in found) == ("bad", True)
    assert advice


@pytest.mark.parametrize(
    ("answer", "health", "words"),
    [
        ({"Status": "Enabled"}, "good", "on"),
        ({"Status": "Suspended"}, "note", "Suspended: images are named by their content"),
        ({}, "note", "off: images are named by their content"),
        (("AccessDenied", 403), "unknown", "s3:GetBucketVersioning is not allowed"),
    ],
)
def test_what_is_said_of_versioning(account: Account, answer: Any, health: str, words: str) -> None:
    account.bucket({}, answer)
    account.role()
    account.simulates(USER, "allowed")
    found = the(account.check_file(), "versioning")
    assert (found[0], words in found[1]) == (health, True)


@pytest.mark.parametrize(
    ("identity", "asks_for", "decision", "health", "words"),
    [
        (USER, USER, "allowed", "good", "all 1 actions"),
        (USER, USER, "explicitDeny", "bad", "not allowed: iot:CreateJob on *"),
        (
            "arn:aws-cn:sts::123456789012:assumed-role/ci/session",
            "arn:aws-cn:iam::123456789012:role/ci",
            "implicitDeny",
            "bad",
            "not allowed",
        ),
        ("arn:aws:iam::123456789012:root", None, "", "warning", "the root user's"),
        ("arn:aws:sts::123456789012:federated-user/f", None, "", "unknown", "federated users"),
    ],
)
def test_permissions_are_those_of_whoever_signed_in(
    account: Account, identity: str, asks_for: str | None, decision: str, health: str, words: str
) -> None:
    account.bucket({})
    account.role()
    if asks_for is not None:
        account.simulates(asks_for, decision)
    found = the(account.check_file(identity=identity), "permissions")
    assert (found[0], words in found[1]) == (health, True)


def test_the_role_that_signs_urls_is_looked_at_as_well(account: Account) -> None:
    other = "arn:aws:iam::123456789012:role/path/signer"
    signs = section("PRESIGNED_URL_CONFIG", roleArn=other, expiresInSec="600")
    account.bucket({})
    account.role()
    account.answers("iam", "get_role", ("NoSuchEntity", 404), {"RoleName": "signer"})
    account.simulates(USER, "allowed")

    found = account.check_file(dev_ini(signs, usePresignedUrlConfig="True"))

    assert the(found, "roleArn in [DEFAULT]")[0] == "good"
    assert the(found, "roleArn in [PRESIGNED_URL_CONFIG]")[0] == "bad"


@pytest.mark.parametrize(
    ("answer", "health", "words"),
    [
        ({"SubscriptionsConfirmed": "1"}, "good", "all 1 can go off and have subscribers"),
        (
            {"SubscriptionsConfirmed": "0", "SubscriptionsPending": "2"},
            "warning",
            "2 did not confirm",
        ),
        (("NotFound", 404), "warning", "does not exist"),
        (("AuthorizationError", 403), "warning", "could not be checked"),
    ],
)
def test_what_is_said_of_alarms(account: Account, answer: Any, health: str, words: str) -> None:
    fields = answer if isinstance(answer, tuple) else {"Attributes": answer}
    account.bucket({})
    account.role()
    account.simulates(USER, "allowed")
    account.answers("sns", "get_topic_attributes", fields)

    found = account.check_file(alarm_ini(namespace="AWS/IoT", stat="Sum"))

    assert (the(found, "alarms")[0], words in the(found, "alarms")[1]) == (health, True)


def test_credentials_that_cannot_be_used_end_it_all(tmp_path: Any, monkeypatch: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    nobody = AwsClients(AwsSettings(region=REQUIRED["region"]))
    with pytest.raises(CredentialsUnusable):
        list(check_account(nobody, USER, 0, None))
