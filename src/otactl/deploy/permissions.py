"""The IAM policies one deployment needs: its user's, and those of the roles it passes to AWS IoT.

Least privilege: a known ARN is named; a wildcard is used only where AWS offers no resource
(DescribeAlarms), where the name does not exist yet (the deployment's own thing group), or where
naming every thing would exceed the policy's size limit. Which action each call needs: AWS Service
Authorization Reference for IoT, S3 and CloudWatch; aws-facts J2 and J3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from otactl.deploy.targeting import MAX_JOB_TARGETS
from otactl.model.alarm import OWN_NAMESPACE, deployed_alarm_name
from otactl.model.arn import partition_of
from otactl.model.comparison import ComparedOutcome
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.firmware import SigningSource
from otactl.model.rollback import rollback_stream_id
from otactl.model.s3_url import parse_s3_url
from otactl.model.thing_list import ThingList
from otactl.rules.comparison.compare import compared_outcomes

Policy = dict[str, Any]
_READ_OBJECT = ("s3:GetObject", "s3:GetObjectVersion")
_SEARCHES = ["iot:SearchIndex", "iot:GetStatistics"]

#: A managed policy has at most 6,144 characters (IAM quotas): this many thing ARNs still fit.
_MOST_NAMED_THINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentNames:
    """The names of what a deployment will create.

    Attributes:
        object_key: The image's key; ``firmware/*`` for any image.
        stream_id: The stream's id; ``…_*`` for any image's.
    """

    account: str
    object_key: str
    stream_id: str


def user_policy(
    configuration: DeploymentConfiguration, thing_list: ThingList, names: DeploymentNames
) -> Policy:
    """What the user or CI role that runs ``otactl deploy`` must be allowed."""
    return _policy(
        [
            *_storage(configuration, names),
            *_iot(configuration, thing_list, names),
            *_alarms(configuration, names),
            *_versions(configuration, names),
            *signing_statements(configuration),
            _pass_roles(configuration),
        ]
    )


def firmware_reader_policy(bucket: str, object_key: str, *, region: str) -> Policy:
    """What a service role needs to read the image, for a stream or for presigning."""
    return _policy(
        [
            _allow(
                "ReadFirmware",
                [*_READ_OBJECT],
                [f"{_bucket_arn(bucket, region)}/{object_key}"],
            )
        ]
    )


def iot_trust_policy(account: str, region: str) -> Policy:
    """Lets only AWS IoT of this account and region assume a role.

    Source: AWS IoT Developer Guide, cross-service-confused-deputy-prevention.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "iot.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:{partition_of(region)}:iot:{region}:{account}:*"
                    },
                },
            }
        ],
    }


def _policy(statements: Iterable[Mapping[str, Any]]) -> Policy:
    return {"Version": "2012-10-17", "Statement": [dict(statement) for statement in statements]}


def _allow(
    sid: str, actions: list[str], resources: list[str], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": actions,
        "Resource": resources[0] if len(resources) == 1 else resources,
    }
    if condition:
        statement["Condition"] = condition
    return statement


def _bucket_arn(bucket: str, region: str) -> str:
    """A bucket's ARN has no region, but the region's partition."""
    return f"arn:{partition_of(region)}:s3:::{bucket}"


def _storage(
    configuration: DeploymentConfiguration, names: DeploymentNames
) -> list[dict[str, Any]]:
    bucket = _bucket_arn(configuration.bucket, configuration.region)
    objects = [
        f"{bucket}/{names.object_key}",
        f"{bucket}/claims/{names.object_key}/*",
        f"{bucket}/claims/deleting/{names.object_key}/*",
    ]
    if _rolls_back(configuration):
        # The images of former versions, which are not known here.
        objects = [f"{bucket}/{prefix}firmware/*" for prefix in ("", "claims/", "claims/deleting/")]
    if configuration.custom_document is not None:
        objects.append(f"{bucket}/job-documents/*")
    statements = [
        # HeadBucket and the listing of claims are both s3:ListBucket.
        _allow("SeeTheBucket", ["s3:ListBucket"], [bucket]),
        _allow(
            "KeepFirmware",
            ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            objects,
        ),
    ]
    custom = configuration.custom_document
    if custom is not None and custom.url is not None:
        where = parse_s3_url(custom.url)
        statements.append(
            _allow(
                "ReadTheJobDocument",
                ["s3:GetObject"],
                [f"{_bucket_arn(where.bucket, configuration.region)}/{where.key}"],
            )
        )
    return statements


def _iot(
    configuration: DeploymentConfiguration, thing_list: ThingList, names: DeploymentNames
) -> list[dict[str, Any]]:
    partition = partition_of(configuration.region)
    base = f"arn:{partition}:iot:{configuration.region}:{names.account}"
    things = list(thing_list.things)
    if len(things) > _MOST_NAMED_THINGS or thing_list.groups:
        # Members of a group are described too, and are not known here.
        things = [f"{base}:thing/*"]
    groups = list(thing_list.groups)
    own_group = f"{base}:thinggroup/otactl-*"
    gathers = len(thing_list.things) + len(groups) > MAX_JOB_TARGETS
    is_chosen = (
        configuration.waves is not None
        or configuration.eligibility is not None
        or _rolls_back(configuration)
    )
    if is_chosen:
        # Which things get the image, and in which wave, is decided later; it may need a group.
        things, gathers = [f"{base}:thing/*"], True
    if configuration.waves is not None:
        groups += [arn for wave in configuration.waves.waves for arn in wave.size.groups]
    targets = [*([own_group] if gathers else things if thing_list.things else []), *groups]
    if is_chosen:
        targets = [own_group, *things]
    tagging = ["iot:TagResource"] if configuration.tags else []
    jobs, streams = _jobs_and_streams(configuration, names, base)
    statements = [
        _allow(
            "Streams",
            ["iot:CreateStream", "iot:DescribeStream", "iot:DeleteStream", *tagging],
            streams,
        ),
        _allow("CreateTheJob", ["iot:CreateJob", *tagging], [*jobs, *targets]),
        _allow(
            "WatchAndEndTheJob",
            ["iot:DescribeJob", "iot:ListJobExecutionsForJob", "iot:CancelJob", "iot:DeleteJob"],
            jobs,
        ),
        _allow("AskAboutThings", ["iot:DescribeJobExecution"], [*jobs, *things]),
    ]
    if groups:
        statements.append(_allow("CountTheThings", ["iot:ListThingsInThingGroup"], groups))
    if gathers:
        actions = ["iot:CreateThingGroup", "iot:DescribeThingGroup", "iot:DeleteThingGroup"]
        statements += [
            _allow("OwnThingGroup", actions, [own_group]),
            _allow("FillIt", ["iot:AddThingToThingGroup"], [own_group, f"{base}:thing/*"]),
        ]
    if configuration.waves is not None and configuration.waves.compare is not None:
        boots = ComparedOutcome.BOOTS in compared_outcomes(configuration.verify)
        reads = ["iot:GetThingConnectivityData", *(["iot:GetThingShadow"] if boots else [])]
        statements += [
            _allow("CompareWaves", reads, [f"{base}:thing/*"]),
            *([] if boots else [_allow("FindArms", _SEARCHES, [f"{base}:index/AWS_Things"])]),
            # Neither action supports a resource.
            _allow("SeeTheIndex", ["iot:GetIndexingConfiguration", "iot:DescribeIndex"], ["*"]),
        ]
    if is_chosen:
        statements.append(_allow("SeeItFill", ["iot:ListThingsInThingGroup"], [own_group]))
    return statements


def _versions(
    configuration: DeploymentConfiguration, names: DeploymentNames
) -> list[dict[str, Any]]:
    """What reading versions and connections needs, from the fleet index and one by one."""
    source, waves = configuration.version_source, configuration.waves
    if source is None and not (waves is not None and waves.prefers_recent):
        return []
    partition = partition_of(configuration.region)
    base = f"arn:{partition}:iot:{configuration.region}:{names.account}"
    reads = ["iot:GetThingShadow"]
    reads += ["iot:DescribeThing"] if source and source.reads_attribute else []
    return [
        *([_allow("ReadThings", reads, [f"{base}:thing/*"])] if source else []),
        _allow(
            "SearchThings",
            # The last has a thing as its resource, and uses the index.
            [*_SEARCHES, "iot:DescribeIndex", "iot:GetThingConnectivityData"],
            [f"{base}:index/AWS_Things", f"{base}:thing/*"],
        ),
        # This action supports no resource.
        _allow("SeeWhatIsIndexed", ["iot:GetIndexingConfiguration"], ["*"]),
    ]


def _jobs_and_streams(
    configuration: DeploymentConfiguration, names: DeploymentNames, base: str
) -> tuple[list[str], list[str]]:
    """The jobs and streams of a deployment, and of its rollbacks."""
    job = f"{base}:job/{configuration.job_id}"
    jobs, streams = [job], [f"{base}:stream/{names.stream_id}"]
    if configuration.waves is not None:
        jobs = [f"{job}-*"]
    elif _rolls_back(configuration):
        jobs.append(f"{job}-rb-*")
    if _rolls_back(configuration):
        streams.append(f"{base}:stream/{rollback_stream_id(configuration.stream_id, '*')}")
    return jobs, streams


def _rolls_back(configuration: DeploymentConfiguration) -> bool:
    by_itself = configuration.waves is not None and configuration.waves.rolls_back
    return by_itself or bool(configuration.rollback.images)


def _alarms(configuration: DeploymentConfiguration, names: DeploymentNames) -> list[dict[str, Any]]:
    waves = configuration.waves
    watched = [name for wave in waves.waves for name in wave.rule.alarms] if waves else []
    seen = [
        # CloudWatch offers no resource for DescribeAlarms by name.
        _allow("SeeAlarms", ["cloudwatch:DescribeAlarms"], ["*"]),
        *([_allow("SeeTheirPast", ["cloudwatch:DescribeAlarmHistory"], ["*"])] if waves else []),
    ]
    if not configuration.alarms:
        return seen if watched else []
    job_id = f"{configuration.job_id}-*" if waves else configuration.job_id
    partition = partition_of(configuration.region)
    base = f"arn:{partition}:cloudwatch:{configuration.region}:{names.account}:alarm:"
    return [
        _allow(
            "Alarms",
            ["cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"],
            [base + deployed_alarm_name(job_id, alarm.name) for alarm in configuration.alarms],
        ),
        *seen,
        *_alarm_reach(configuration),
    ]


def _alarm_reach(configuration: DeploymentConfiguration) -> list[dict[str, Any]]:
    """To warn of alarms that notify nobody; without these permissions there is no warning."""
    topics = sorted({topic for alarm in configuration.alarms for topic in alarm.sns_topics})
    statements = [_allow("SeeAlarmTopics", ["sns:GetTopicAttributes"], topics)] if topics else []
    if any(alarm.namespace == OWN_NAMESPACE for alarm in configuration.alarms):
        # Neither action supports a resource.
        actions = ["iot:DescribeEventConfigurations", "iot:ListTopicRules"]
        statements.append(_allow("SeeWhatFeedsAlarms", actions, ["*"]))
    return statements


def signing_statements(configuration: DeploymentConfiguration) -> list[dict[str, Any]]:
    """What signing by AWS KMS or AWS Signer needs; nothing for a local key.

    Which resource each action takes: Service Authorization Reference for KMS, Signer and ACM.
    Signer reads and writes the bucket with the rights of the identity that starts the job.
    """
    signing = configuration.signing
    if signing is None:
        return []
    partition, region = partition_of(configuration.region), configuration.region
    base = f"{region}:{configuration.account}"
    if signing.kms_key is not None and signing.source is SigningSource.KMS:
        arn, condition = _kms_resource(signing.kms_key, f"arn:{partition}:kms:{base}:")
        return [_allow("SignWithKms", ["kms:GetPublicKey", "kms:Sign"], [arn], condition)]
    if signing.source is not SigningSource.SIGNER:
        return []
    signer = f"arn:{partition}:signer:{base}:"
    profile = f"{signer}/signing-profiles/{signing.signing_profile}"
    return [
        _allow("SignWithSigner", ["signer:GetSigningProfile", "signer:StartSigningJob"], [profile]),
        _allow("AwaitSigner", ["signer:DescribeSigningJob"], [f"{signer}/signing-jobs/*"]),
        # Which certificate the profile has is not known here.
        _allow(
            "SeeItsCertificate",
            ["acm:GetCertificate"],
            [f"arn:{partition}:acm:{base}:certificate/*"],
        ),
        _allow(
            "LendTheImageToSigner",
            ["s3:PutObject", *_READ_OBJECT, "s3:DeleteObject", "s3:DeleteObjectVersion"],
            [f"{_bucket_arn(configuration.bucket, region)}/signing/*"],
        ),
    ]


def _kms_resource(key: str, base: str) -> tuple[str, Mapping[str, Any] | None]:
    """A key's ARN; for an alias any key, on condition that the request uses this alias."""
    name = key.rpartition(":")[2]
    if name.startswith("alias/"):
        return f"{base}key/*", {"StringEquals": {"kms:RequestAlias": name}}
    return (key if key.startswith("arn:") else f"{base}key/{name.removeprefix('key/')}"), None


def _pass_roles(configuration: DeploymentConfiguration) -> dict[str, Any]:
    roles = {configuration.role_arn}
    if configuration.job.presigned_url is not None:
        roles.add(configuration.job.presigned_url.role_arn)
    return _allow(
        "HandRolesToIot",
        ["iam:PassRole"],
        sorted(roles),
        {"StringEquals": {"iam:PassedToService": "iot.amazonaws.com"}},
    )
