"""What a web page, another user of the machine or a wrong key can do to a local cloud: nothing."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import threading
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from tests.support.browser import chromium_or_skip

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.cloud.guard import SECRET_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartCloud

    from otactl.cloud import RunningCloud

REFUSED = http.HTTPStatus.FORBIDDEN


def ask(cloud: RunningCloud, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    connection = http.client.HTTPConnection(cloud.address.endpoint_url.removeprefix("http://"))
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def client(cloud: RunningCloud, service: str, key: str, secret: str, token: str | None = None):
    return boto3.client(
        service,  # type: ignore[call-overload]  # any service, by its name
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.mark.parametrize("key", ["test", "123456789012", "000000000000", "999999999999"])
@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iot", "list_things"),
        ("iam", "list_roles"),
        ("s3", "list_buckets"),
        ("lambda", "list_functions"),
    ],
)
def test_what_the_emulator_takes_for_root_is_refused(
    cloud: RunningCloud, key: str, service: str, operation: str
) -> None:
    with pytest.raises(ClientError) as refused:
        getattr(client(cloud, service, key, "test"), operation)()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == REFUSED


@pytest.mark.parametrize("service", ["iot", "iam", "s3", "sts", "dynamodb"])
def test_the_administrators_key_without_its_secret_is_refused(
    cloud: RunningCloud, service: str
) -> None:
    operation = {
        "iot": "list_things",
        "iam": "list_users",
        "s3": "list_buckets",
        "sts": "get_caller_identity",
        "dynamodb": "list_tables",
    }[service]

    with pytest.raises(ClientError) as refused:
        getattr(client(cloud, service, cloud.address.access_key_id, "a guess"), operation)()
    assert "ignature" in refused.value.response["Error"]["Code"]


UNSIGNED = [
    ("POST", "/?Action=CreateRole&Version=2010-05-08&RoleName=r&AssumeRolePolicyDocument={}"),
    ("POST", "/2015-03-31/functions"),
    ("POST", "/2015-03-31/functions/f/invocations"),
    ("POST", "/_ministack/reset"),
    ("POST", "/_ministack/config"),
    ("GET", "/_ministack/health"),
    ("GET", "/latest/meta-data/iam/security-credentials/"),
    ("GET", "/things"),
    ("DELETE", "/jobs/j"),
    ("PUT", "/bucket-of-mine"),
    ("OPTIONS", "/things"),
]


@pytest.mark.parametrize(("method", "path"), UNSIGNED)
def test_nothing_is_served_unsigned(cloud: RunningCloud, method: str, path: str) -> None:
    assert ask(cloud, method, path, b"{}") == REFUSED
    root = "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-east-1/iam/aws4_request, "
    forged = root + "SignedHeaders=host, Signature=00"
    assert ask(cloud, method, path, b"{}", Authorization=forged) == REFUSED


def signed(cloud: RunningCloud, path: str, body: bytes, **headers: str) -> dict[str, str]:
    """The headers of a POST to IoT that the administrator signed."""
    address = cloud.address
    request = AWSRequest("POST", address.endpoint_url + path, data=body, headers=headers)
    credentials = Credentials(address.access_key_id, address.secret_access_key)
    SigV4Auth(credentials, "iot", address.region).add_auth(request)
    return dict(request.headers.items())


def test_the_signature_holds_for_this_body_path_and_header_only(
    cloud: RunningCloud, clients: AwsClients, unique: str
) -> None:
    path, body = f"/things/guard-{unique}", b'{"thingTypeName": null}'
    good = signed(cloud, path, b"{}")
    hashed = signed(
        cloud, path, b"{}", **{"X-Amz-Content-SHA256": hashlib.sha256(b"{}").hexdigest()}
    )
    stale = good | {"X-Amz-Date": datetime(2020, 1, 1, tzinfo=UTC).strftime("%Y%m%dT%H%M%SZ")}

    assert ask(cloud, "POST", path, body, **good) == REFUSED
    assert ask(cloud, "POST", path, body, **hashed) == REFUSED
    assert ask(cloud, "POST", path + "2", b"{}", **good) == REFUSED
    assert ask(cloud, "DELETE", path, b"{}", **good) == REFUSED
    assert ask(cloud, "POST", path, b"{}", **stale) == REFUSED
    assert ask(cloud, "POST", path, b"{}", **(good | {"Origin": "null"})) == REFUSED
    assert ask(cloud, "POST", path, b"{}", **good) == http.HTTPStatus.OK
    clients.iot.delete_thing(thingName=f"guard-{unique}")


def test_keys_of_users_and_roles_are_checked_as_well(
    cloud: RunningCloud, clients: AwsClients, unique: str
) -> None:
    user = f"guard-{unique}"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    trust = everything | {"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    del trust["Resource"]
    clients.iam.create_user(UserName=user)
    clients.iam.put_user_policy(
        UserName=user, PolicyName="p", PolicyDocument=json.dumps({"Statement": [everything]})
    )
    clients.iam.create_role(
        RoleName=user, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )
    clients.iam.put_role_policy(
        RoleName=user, PolicyName="p", PolicyDocument=json.dumps({"Statement": [everything]})
    )
    key = clients.iam.create_access_key(UserName=user)["AccessKey"]
    sts = client(cloud, "sts", key["AccessKeyId"], key["SecretAccessKey"])
    arn = f"arn:aws:iam::{cloud.address.account_id}:role/{user}"
    session = sts.assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    keys = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])

    client(cloud, "iot", *keys).list_things()
    for wrong in ((keys[0], "x", keys[2]), (keys[0], keys[1], "x"), (key["AccessKeyId"], "x")):
        with pytest.raises(ClientError):
            client(cloud, "iot", *wrong).list_things()

    clients.iam.update_access_key(UserName=user, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError):
        sts.get_caller_identity()


HANDLER = """
import os
def handler(event, context):
    return {name: os.environ[name] for name in os.environ if name.startswith("AWS_S")
            or name == "AWS_ACCESS_KEY_ID"}
"""


def test_a_functions_keys_work_and_cannot_be_computed(
    cloud: RunningCloud, clients: AwsClients, unique: str
) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust |= {"Principal": {"Service": "lambda.amazonaws.com"}}
    role = clients.iam.create_role(
        RoleName=f"guard-{unique}", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", HANDLER)
    address = cloud.address
    functions = client(cloud, "lambda", address.access_key_id, address.secret_access_key)
    arn = functions.create_function(
        FunctionName=f"guard-{unique}",
        Runtime="python3.11",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": code.getvalue()},
    )["FunctionArn"]

    answer = json.load(functions.invoke(FunctionName=arn)["Payload"])

    given = (
        answer["AWS_ACCESS_KEY_ID"],
        answer["AWS_SECRET_ACCESS_KEY"],
        answer["AWS_SESSION_TOKEN"],
    )
    caller = client(cloud, "sts", *given).get_caller_identity()
    assert f":assumed-role/guard-{unique}/" in caller["Arn"]
    # How MiniStack makes them by itself.
    digest = hashlib.sha256(f"{arn}:{role}".encode()).hexdigest()
    secret, token = (
        hashlib.sha256(f"{x}:{digest}".encode()).hexdigest() for x in ("secret", "token")
    )
    with pytest.raises(ClientError):
        client(cloud, "sts", f"ASIA{digest[:16].upper()}", secret, token).get_caller_identity()
    functions.delete_function(FunctionName=arn)


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_url_opens_what_it_was_made_for(
    cloud: RunningCloud, clients: AwsClients, firmware_bucket: str, unique: str, version: str
) -> None:
    clients.s3.put_object(Bucket=firmware_bucket, Key=f"{unique}/a b+c", Body=b"firmware")
    signer = boto3.client(
        "s3",
        endpoint_url=cloud.address.endpoint_url,
        region_name=cloud.address.region,
        aws_access_key_id=cloud.address.access_key_id,
        aws_secret_access_key=cloud.address.secret_access_key,
        config=Config(signature_version=version, s3={"addressing_style": "path"}),
    )
    url = signer.generate_presigned_url(
        "get_object", Params={"Bucket": firmware_bucket, "Key": f"{unique}/a b+c"}
    )

    with urlopen(url) as answer:  # noqa: S310  # of our own cloud
        assert answer.read() == b"firmware"
    for other in (url.replace("%2Bc", "%2Bd"), url.replace("Signature=", "Signature=0")):
        with pytest.raises(HTTPError) as refused:
            urlopen(other)  # noqa: S310  # of our own cloud
        refused.value.close()
        assert refused.value.code == REFUSED


def test_no_secret_is_in_arguments_or_in_the_log_and_the_record_is_its_owners(
    cloud: RunningCloud,
) -> None:
    address = cloud.address
    shown = Path(f"/proc/{address.pid}/cmdline").read_bytes() + cloud.log_file.read_bytes()
    record = Path(address.state_dir, "cloud.json")

    for secret in (address.secret_access_key, address.cloud_secret):
        assert secret.encode() not in shown
        assert secret not in repr(address)
    assert record.stat().st_mode & 0o777 == 0o600
    assert json.loads(record.read_text())["cloud_secret"] == address.cloud_secret


def test_a_reset_by_the_owner_leaves_the_administrator(start_cloud: StartCloud) -> None:
    cloud = start_cloud()

    done = ask(cloud, "POST", "/_ministack/reset", **{SECRET_HEADER: cloud.address.cloud_secret})

    assert done == http.HTTPStatus.OK
    identity = AwsClients(AwsSettings.for_local_cloud(cloud.address)).sts.get_caller_identity()
    assert identity["Arn"].endswith(":user/otactl-administrator")


def test_two_clouds_have_different_keys(cloud: RunningCloud, start_cloud: StartCloud) -> None:
    other = start_cloud(account_id=cloud.address.account_id)

    with pytest.raises(ClientError):
        client(
            other, "iot", cloud.address.access_key_id, cloud.address.secret_access_key
        ).list_things()


PAGE = b"""<!doctype html><title>a page of somebody</title><script>
async function attack(endpoint) {
  const attempts = [
    ["POST", "/_ministack/reset", {}],
    ["POST", "/?Action=CreateUser&Version=2010-05-08&UserName=intruder", {}],
    ["POST", "/things/intruder", {"Authorization":
      "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iot/aws4_request, " +
      "SignedHeaders=host, Signature=0"}],
  ];
  for (const [method, path, headers] of attempts)
    for (const mode of ["cors", "no-cors"])
      try { await fetch(endpoint + path, {method, headers, mode, body: "{}"}); } catch (error) {}
  await new Promise(done => {
    const image = new Image(); image.onload = image.onerror = done;
    image.src = endpoint + "/?Action=CreateUser&Version=2010-05-08&UserName=intruder";
  });
  return await new Promise(done => {
    const socket = new WebSocket(endpoint.replace("http", "ws") + "/mqtt", ["mqtt"]);
    socket.onopen = () => done("open"); socket.onerror = () => done("refused");
  });
}
</script><form id=f method=post target=_self></form>"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def somebodys_page() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_page_in_a_real_browser_can_do_nothing(start_cloud: StartCloud) -> None:
    cloud = start_cloud()
    clients = AwsClients(AwsSettings.for_local_cloud(cloud.address))
    clients.iot.create_thing(thingName="mine")
    endpoint = cloud.address.endpoint_url
    local = endpoint.replace("127.0.0.1", "localhost")  # the same site as the page's

    with chromium_or_skip() as browser, somebodys_page() as address:
        page = browser.new_page()
        page.goto(address)
        for target in (endpoint, local, endpoint.replace("127.0.0.1", "iot.localhost")):
            assert page.evaluate("endpoint => attack(endpoint)", target) == "refused"
        form = f"f.action = '{local}/_ministack/reset'; f.submit()"
        with page.expect_navigation():
            page.evaluate(form)
        refused = page.text_content("body")

    assert "does not serve web pages" in str(refused)
    assert [thing["thingName"] for thing in clients.iot.list_things()["things"]] == ["mine"]
    assert [user["UserName"] for user in clients.iam.list_users()["Users"]] == [
        "otactl-administrator"
    ]
