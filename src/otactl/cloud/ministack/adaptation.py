"""Installs every adaptation of MiniStack, or reports which one it could not install and why.

An adaptation that no longer fits is skipped and logged; MiniStack works without it, only less like
AWS or slower. ``tests/contract/test_ministack.py`` fails then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from otactl.cloud.background import Background
from otactl.cloud.ministack import (
    alarm,
    associate_targets,
    broker,
    broker_tls,
    certificate_store,
    condition_key,
    credentials,
    device_https,
    execution_store,
    invocation,
    job_request,
    job_schedule,
    lambda_log,
    model_check,
    outbox,
    paging,
    pass_role,
    pending_jobs,
    policy_decision,
    registry,
    retry,
    service_role,
    shared_model,
    signature,
    simulation,
    stack_resource,
    subscription_index,
    thing_group,
    timeout,
)
from otactl.cloud.ministack.connection import ConnectionLimits
from otactl.cloud.ministack.fleet_index import FleetIndex
from otactl.cloud.ministack.job_deletion import JobDeletion
from otactl.cloud.ministack.job_pace import JobPace
from otactl.cloud.ministack.shape import Changes, adapt_if_it_fits
from otactl.cloud.settings import CloudSettings


def _adaptations(
    background: Background, settings: CloudSettings, https_port: int
) -> dict[str, Callable[[Changes], None]]:
    """The adaptations, by what is missing without each.

    The store of executions comes before its users. Retries come before timeouts: a timeout notifies
    the thing of both. Paging comes after everything that lists, and the models' checks last: they
    see a request first.
    """
    pace = JobPace(background, settings.executions_per_minute)
    index = FleetIndex(settings.index_lag_seconds, settings.index_build_seconds)
    deletion = JobDeletion(background, pace, settings.delete_job_seconds)
    limits = ConnectionLimits(
        background,
        rates=settings.connection_rates,
        least_keep_alive=settings.least_keep_alive_seconds,
    )
    return {
        "the descriptions of services, read once (starting will be slow)": shared_model.install,
        "the refusal of clients without a certificate": broker_tls.require_certificates,
        "the broker's elliptic certificate (handshakes will be slow)": partial(
            broker_tls.add_elliptic, host_names=settings.host_names
        ),
        "the certificates by id (handshakes will be slow)": certificate_store.install,
        "the remembered decisions of policies (messages will be slow)": policy_decision.install,
        "random credentials of functions": credentials.randomise_functions,
        "the age of presigned URLs in real time": signature.keep_real_age,
        "the executions by job and thing (a large fleet will be slow)": execution_store.install,
        "the order of a thing's pending jobs": pending_jobs.install,
        "the pace of jobs": pace.install,
        "the schedules of jobs": partial(job_schedule.install, background=background, pace=pace),
        "jobs that are being deleted": deletion.install,
        "AssociateTargetsWithJob": partial(associate_targets.install, pace=pace),
        "the checks of CreateJob": job_request.install,
        "the checks of Jobs over MQTT": model_check.check_messages,
        "retries of failed executions": retry.install,
        "timeouts": partial(timeout.install, background=background),
        "the trust in AWS IoT's roles": service_role.install,
        "IAM policies that name streams": condition_key.name_streams,
        "alarms by CloudWatch's rules": alarm.install,
        "permissions and retries of calls to functions": invocation.install,
        "permissions to write a function's log": lambda_log.install,
        "the condition keys cloudwatch:namespace and dynamodb:LeadingKeys": condition_key.add_keys,
        "the context of simulated policies": simulation.install,
        "e-mails and text messages": outbox.install,
        "the remembered CA key (registering a large fleet will be slow)": (
            certificate_store.remember_ca_key
        ),
        "the subscription index (a large fleet will be slow)": subscription_index.install,
        "answers to the connection that asked": broker.install,
        "the limits of a connection": limits.install,
        "HTTPS for devices": partial(device_https.install, port=https_port),
        "the small rules of the registry": registry.install,
        "the fleet index": index.install,
        "GetPackageConfiguration": registry.keep_package_configuration,
        "groups in groups": partial(
            thing_group.install, member_ms=int(1000 * settings.member_seconds * background.speed)
        ),
        "tables and functions of stacks": stack_resource.install,
        "pages of lists": partial(paging.install, largest_page=settings.largest_page),
        "iam:PassRole": pass_role.install,
        "the checks of the service models": model_check.install,
    }


def install_all(
    background: Background | None = None,
    settings: CloudSettings | None = None,
    *,
    https_port: int = 443,
) -> dict[str, str]:
    """Install each adaptation that fits.

    Returns:
        What is missing, with the reason.
    """
    missing = {}
    for name, adaptation in _adaptations(
        background or Background(), settings or CloudSettings(), https_port
    ).items():
        lack = adapt_if_it_fits(name, adaptation)
        if lack is not None:
            missing[name] = lack
    return missing
