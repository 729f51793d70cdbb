"""What ``--output json`` says of files, of the account, of the stack and of the local cloud."""

from __future__ import annotations

from typing import Annotated, NotRequired

from typing_extensions import TypedDict

from otactl.model.json_output.deployment import LintFinding
from otactl.model.json_output.shaping import Digits, NullIfEmpty, Of


class Problem(TypedDict):
    """Something wrong with a configuration."""

    file: str
    line: int | None
    section: str | None
    key: str | None
    severity: str
    code: str
    message: str
    hint: str | None


class Validity(TypedDict):
    """Whether a file can be deployed."""

    valid: bool
    problems: list[Problem]
    findings: list[LintFinding]


class ErrorFields(TypedDict):
    """Why a command failed."""

    kind: str
    message: str
    hint: str | None
    exitCode: int
    problems: list[Problem]


class Error(TypedDict):
    """The object of a command that failed before it had a result."""

    error: ErrorFields


class Key(TypedDict):
    """A key of a ``dev.ini``."""

    section: str
    key: Annotated[str, Of("name")]
    alsoRead: Annotated[str | None, Of("also")]
    type: str
    allowed: str
    required: bool
    default: str | None
    becomes: str
    about: str
    example: str
    inManual: bool


class Keys(TypedDict):
    """Keys of a ``dev.ini``."""

    keys: list[Key]


class Diagnosis(TypedDict):
    """One finding of ``otactl doctor``."""

    area: str
    health: str
    found: str
    advice: Annotated[str | None, NullIfEmpty]


class Delivery(TypedDict):
    """An image that was delivered to the thing of ``--live``."""

    sizeBytes: int
    way: str
    verified: bool
    detail: str


class Observation(TypedDict):
    """What AWS does on an open point of its documentation, and what otactl assumes."""

    point: str
    question: str
    assumed: str
    observed: str
    agrees: bool | None


class LiveCheck(TypedDict):
    """What ``--live`` did and observed."""

    region: str
    deliveries: list[Delivery]
    observations: list[Observation]
    failure: str | None
    calls: dict[str, int]
    seconds: Annotated[float, Digits(1)]
    left: list[str]


class Readiness(TypedDict):
    """Whether an account is ready."""

    ready: bool
    findings: list[Diagnosis]
    live: NotRequired[LiveCheck]


class StackChange(TypedDict):
    """A change of a resource."""

    action: str
    resource: Annotated[str, Of("logical_id")]
    type: Annotated[str, Of("resource_type")]
    replacement: Annotated[bool | str, Of("replaces")]


class StackChanges(TypedDict):
    """What was or would be changed in the stack."""

    stackName: str
    dryRun: bool
    status: str | None
    changes: list[StackChange]
    events: list[str]
    outputs: dict[str, str]


class StackStatus(TypedDict):
    """The status of the stack; of one that does not exist only the name, and no status."""

    stackName: str
    stackId: NotRequired[str]
    status: str | None
    reason: NotRequired[str | None]
    good: bool
    parameters: NotRequired[dict[str, str]]
    resources: NotRequired[dict[str, str]]
    events: NotRequired[list[str]]
    alarms: NotRequired[dict[str, str]]
    subscribers: NotRequired[list[str]]
    failedMessages: NotRequired[int | None]


class StackOutputs(TypedDict):
    """The outputs of the stack, by their names."""

    outputs: dict[str, str]


class StackDeleted(TypedDict):
    """The stack that was deleted."""

    stackName: str
    stackId: str
    deleted: bool


class StackTemplate(TypedDict):
    """The CloudFormation template, as YAML."""

    templateBody: str


class Hop(TypedDict):
    """Whether the test event reached a part of the stack."""

    name: str
    arrived: bool
    seconds: Annotated[float, Digits(1)]
    detail: str


class StackTest(TypedDict):
    """How far the test event got."""

    stackName: str
    arrived: bool
    hops: list[Hop]


class CloudAddress(TypedDict):
    """How devices reach the local cloud."""

    mqttHost: str
    mqttPort: int
    caFile: str


class NoCloud(TypedDict):
    """No local cloud is running."""

    running: bool
    stateDir: str


class Cloud(NoCloud, CloudAddress):
    """The running local cloud."""

    endpointUrl: str
    region: str
    accountId: str
    clockSpeed: float
    pid: int
    logFile: str


class CloudVariables(CloudAddress):
    """The environment variables that point AWS tools to the local cloud."""

    AWS_ENDPOINT_URL: str
    AWS_REGION: str
    AWS_DEFAULT_REGION: str
    AWS_ACCESS_KEY_ID: str
    AWS_SECRET_ACCESS_KEY: str
    AWS_SESSION_TOKEN: str
    AWS_CA_BUNDLE: str
    OTACTL_MQTT_HOST: str
    OTACTL_MQTT_PORT: str
    OTACTL_MQTT_CA_FILE: str
