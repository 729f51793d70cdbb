"""Functions called by topic rules and by SNS as on AWS: asynchronous, with permission and retries.

On AWS both calls are asynchronous (Lambda Developer Guide, invocation-async): the function's own
policy must allow the caller; the call waits in a queue; a failed call is repeated twice, after one
and two minutes (or by its event invoke config); then the event goes to the failure destination, if
the function's role may send it there. MiniStack checks no policy, starts a process for every
waiting event, and does not retry.

Touched: ``iot._dispatch_rule_action`` is wrapped for Lambda actions and for the queue of an error
action; ``sns._deliver_to_lambda`` is replaced. From ``lambda_svc`` the functions that these two
use are used, and ``_route_async_failure``.

Unlike on AWS, each attempt has its own request id.
"""

from __future__ import annotations

import asyncio
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import iot, lambda_svc, sns

from otactl.cloud.ministack.permission import ServiceCaller, policy_lets_in, role_lets
from otactl.cloud.ministack.shape import Changes, ShapeChanged, require_parameters

#: The number of functions that run at once; each is a process on this machine.
_CONCURRENCY = 8
_RETRIES = 2
_MAX_AGE_SECONDS = 21_600
_FIRST_RETRY_SECONDS = 60
_INVOKE = "lambda:InvokeFunction"

_log = logging.getLogger("otactl.cloud.invocation")


class NotPermitted(Exception):
    """Raised when a policy does not allow a service's call; the rule's error action gets it."""


class AsyncInvocations:
    """The queue of asynchronous calls.

    Args:
        loop: Runs by the cloud's clock; times the retries.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pool = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="lambda-async")

    def call(self, function_arn: str, caller: ServiceCaller, event: Any) -> None:
        """Queue a call.

        Raises:
            NotPermitted: The function's policy does not allow the caller, or it does not exist.
        """
        account_id, region = function_arn.split(":")[4], function_arn.split(":")[3]
        record, config, _ = lambda_svc._get_func_record_for_ref_in_scope(
            function_arn, account_id=account_id, region=region
        )
        if not record or not config:
            raise NotPermitted(f"there is no function {function_arn}")
        if not policy_lets_in(record["policy"], caller, _INVOKE, config["FunctionArn"]):
            raise NotPermitted(
                f"the policy of {function_arn} does not let {caller.service} call it"
                f" for {caller.source_arn}"
            )
        execution = lambda_svc._execution_record_for_config(record, config)
        self._pool.submit(self._attempt, execution, event, self._loop.time(), 0)

    def _attempt(self, record: dict[str, Any], event: Any, queued_at: float, attempt: int) -> None:
        result = lambda_svc._execute_function_with_config_scope(record, event)
        if not result.get("error") and not result.get("throttle"):
            return
        settings = (record.get("event_invoke_configs") or {}).get("$LATEST") or (
            record.get("event_invoke_config") or {}
        )
        retries = settings.get("MaximumRetryAttempts", _RETRIES)
        delay = _FIRST_RETRY_SECONDS * 2**attempt
        too_old = self._loop.time() + delay - queued_at > settings.get(
            "MaximumEventAgeInSeconds", _MAX_AGE_SECONDS
        )
        if attempt >= retries or too_old:
            _give_up(record, settings, event, result)
            return

        def try_again() -> None:
            self._pool.submit(self._attempt, record, event, queued_at, attempt + 1)

        self._loop.call_soon_threadsafe(lambda: self._loop.call_later(delay, try_again))


def _give_up(
    record: dict[str, Any], settings: dict[str, Any], event: Any, result: dict[str, Any]
) -> None:
    config = record["config"]
    arn, name = config["FunctionArn"], config["FunctionName"]
    target = ((settings.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not target:
        return
    caller = ServiceCaller("lambda.amazonaws.com", arn)
    if ":sqs:" in target and not role_lets(config["Role"], caller, "sqs:SendMessage", target):
        _log.warning("the role of %s may not send to %s: an event is lost", name, target)
        return
    _, _, _, region, account_id, *_ = arn.split(":")
    with request_scope(account_id, region):
        lambda_svc._route_async_failure(target, name, event, result)


def install(changes: Changes) -> None:
    """Install it, in the running event loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError as error:
        raise ShapeChanged("expected a running event loop") from error
    require_parameters(
        lambda_svc._route_async_failure, "target_arn", "func_name", "event", "result"
    )
    invocations = AsyncInvocations(loop)

    @changes.around(
        *(iot, "_dispatch_rule_action"), *("account_id", "region", "rule_name", "action", "event")
    )
    async def dispatch_rule_action(
        dispatch: Any, account_id: str, region: str, rule_name: str, action: Any, event: Any
    ) -> None:
        rule = ServiceCaller(
            "iot.amazonaws.com", f"arn:aws:iot:{region}:{account_id}:rule/{rule_name}"
        )
        function_arn = (action.get("lambda") or {}).get("functionArn")
        if function_arn:
            invocations.call(function_arn, rule, event)
            return
        queue = action.get("sqs")
        if queue:
            _require_queue_role(queue, rule)
        await dispatch(account_id, region, rule_name, action, event)

    @changes.around(
        *(sns, "_deliver_to_lambda"), *("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id")
    )
    def deliver_to_lambda(
        _: Any, endpoint: str, envelope: str, topic_arn: str, sub_arn: str, *_rest: Any
    ) -> None:
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "EventSource": "aws:sns",
            "Sns": json.loads(envelope),
        }
        topic = ServiceCaller("sns.amazonaws.com", topic_arn)
        try:
            invocations.call(endpoint, topic, {"Records": [record]})
        except NotPermitted as refusal:
            _log.warning("SNS: %s", refusal)


def _require_queue_role(queue: dict[str, Any], rule: ServiceCaller) -> None:
    name = str(queue.get("queueUrl", "")).rpartition("/")[2]
    arn = f"arn:aws:sqs:{rule.region}:{rule.account_id}:{name}"
    role = str(queue.get("roleArn", ""))
    if not role_lets(role, rule, "sqs:SendMessage", arn):
        raise NotPermitted(f"{role or 'no role'} does not let {rule.source_arn} send to {arn}")
