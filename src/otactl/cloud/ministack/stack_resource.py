"""Settings of tables and functions that MiniStack's CloudFormation ignores.

- A function whose code is in a bucket or object that does not exist fails, as on AWS; MiniStack
  creates one that fails when it is called.
- Expiry of items (TimeToLiveSpecification), recovery (PointInTimeRecoverySpecification) and
  encryption (SSESpecification) of a table are applied when it is created and when it is updated.

Touched: the handlers of both types in ``_RESOURCE_HANDLERS`` of
``ministack.services.cloudformation.provisioners`` are wrapped; the functions of
``ministack.services.dynamodb`` that serve its API apply the settings. CloudFormation imports every
service, which would be a quarter of a cloud's start time, so a wrapper of
``ministack.app._get_module`` delays this until the first CloudFormation request.
"""

from __future__ import annotations

from typing import Any

import ministack.app
from ministack.services import dynamodb, lambda_svc

from otactl.cloud.ministack.shape import Changes, adapt_if_it_fits, require, require_parameters

_TABLE, _FUNCTION = "AWS::DynamoDB::Table", "AWS::Lambda::Function"
_BAD_REQUEST = 400


def install(changes: Changes) -> None:
    """Install it at the first CloudFormation request."""
    adapted = False

    @changes.around(ministack.app, "_get_module", "name")
    def get_module(get: Any, name: str) -> Any:
        nonlocal adapted
        module = get(name)
        if name == "cloudformation" and not adapted:
            adapted = True
            adapt_if_it_fits("tables and functions of stacks", _wrap_handlers)
        return module


def _wrap_handlers(changes: Changes) -> None:
    from ministack.services.cloudformation import provisioners  # noqa: PLC0415  # see above

    table = provisioners._RESOURCE_HANDLERS[_TABLE]
    function = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    require(table.get("update_with_logical_id") is True, "updates of tables by logical id")
    require_parameters(table["create"], "logical_id", "props", "stack_name")
    require_parameters(table["update"], "physical_id", "old_props", "new_props", "stack_name")
    require_parameters(function["create"], "logical_id", "props", "stack_name")
    require_parameters(lambda_svc._fetch_code_from_s3, "bucket", "key", "version_id")
    require_parameters(dynamodb._sse_description_from_spec, "spec")
    require_parameters(dynamodb._update_ttl, "data")
    require_parameters(dynamodb._update_continuous_backups, "data")
    create_table, update_table = table["create"], table["update"]
    create_function = function["create"]

    def create_table_whole(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name, attributes = create_table(logical_id, props, stack_name)
        _set(name, {}, props)
        return name, attributes

    def update_table_whole(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], *rest: Any
    ) -> Any:
        # MiniStack's update would read the property as the API's, whose members have other names.
        plain_old, plain_new = (
            {key: value for key, value in props.items() if key != "SSESpecification"}
            for props in (old, new)
        )
        name, attributes = update_table(physical_id, plain_old, plain_new, *rest)
        _set(name, old, new)
        return name, attributes

    def create_function_with_code(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        code = props.get("Code") or {}
        bucket, key = code.get("S3Bucket"), code.get("S3Key")
        version = code.get("S3ObjectVersion")
        if bucket and lambda_svc._fetch_code_from_s3(bucket, key or "", version) is None:
            raise ValueError(
                f"Error occurred while GetObject. The code s3://{bucket}/{key} does not exist."
            )
        return create_function(logical_id, props, stack_name)

    changes.put_item(table, "create", create_table_whole)
    changes.put_item(table, "update", update_table_whole)
    changes.put_item(function, "create", create_function_with_code)


def _set(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Apply a table's other settings, and remove former ones."""
    had = old.get("TimeToLiveSpecification") or {}
    expiry = new.get("TimeToLiveSpecification") or (had and {**had, "Enabled": False})
    if expiry:
        _require(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": expiry}))
    recovery, had = (props.get("PointInTimeRecoverySpecification") for props in (new, old))
    if recovery or had:
        specification = recovery or {"PointInTimeRecoveryEnabled": False}
        _require(
            dynamodb._update_continuous_backups(
                {"TableName": name, "PointInTimeRecoverySpecification": specification}
            )
        )
    encryption = new.get("SSESpecification")
    if encryption or old.get("SSESpecification"):
        asked = {**encryption, "Enabled": encryption["SSEEnabled"]} if encryption else None
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(asked)


def _require(answer: Any) -> None:
    if answer[0] >= _BAD_REQUEST:
        raise ValueError(f"{_TABLE} failed: {answer[2]!r}")
