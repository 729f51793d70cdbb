"""Small rules of the registry that MiniStack lacks.

- A thing cannot be created with a deprecated thing type (Developer Guide, thing-types).
- UpdateThing with an empty value removes the attribute, merged or not (API reference,
  AttributePayload).
- A policy has at most five versions (API reference, CreatePolicyVersion).
- DescribeCertificate returns the validity (``iot`` CertificateValidity).
- GetPackageConfiguration and UpdatePackageConfiguration: whether AWS IoT Jobs may write the
  ``$package`` shadow of a thing once its job with ``destinationPackageVersions`` has SUCCEEDED
  (aws-facts O). Here it is stored and returned; Jobs never writes the shadow.
- The executions of a deleted thing become REMOVED and are counted (aws-facts A5), not deleted.

Touched, in ``ministack.services.iot``: ``_create_thing``, ``_update_thing``, ``_delete_thing``,
``_create_policy_version``, ``_handle_certificate`` and, for the package configuration,
``handle_request`` are wrapped.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography import x509
from ministack.core.responses import json_response
from ministack.services import iot

from otactl.cloud.ministack.answer import OK, REQUEST, account, fields_of, refused
from otactl.cloud.ministack.execution_store import executions
from otactl.cloud.ministack.shape import Changes, require_source
from otactl.model.status import ExecutionStatus

_MAX_POLICY_VERSIONS = 5
_PACKAGE_CONFIGURATION = "/package-configuration"


def install(changes: Changes) -> None:
    """Install the rules."""
    _check_things(changes)
    _keep_executions(changes)
    _check_certificates_and_policies(changes)


def _check_things(changes: Changes) -> None:
    @changes.around(iot, "_create_thing", "name", "payload")
    def create_thing(create: Any, name: str, payload: dict[str, Any]) -> Any:
        type_name = payload.get("thingTypeName")
        thing_type = iot._thing_types.get(type_name) if type_name else None
        if thing_type is not None and thing_type["thingTypeMetadata"].get("deprecated"):
            return refused(f"Thing type {type_name} is deprecated")
        return create(name, payload)

    @changes.around(iot, "_update_thing", "name", "payload")
    def update_thing(update: Any, name: str, payload: dict[str, Any]) -> Any:
        answer = update(name, payload)
        thing = iot._things.get(name)
        if thing is not None:
            kept = {key: text for key, text in thing.get("attributes", {}).items() if text}
            thing["attributes"] = kept
        return answer


def _keep_executions(changes: Changes) -> None:
    require_source(iot._delete_thing, "del _job_executions[(name, job_id)]")
    store = executions()

    @changes.around(iot, "_delete_thing", "name", "expected_version")
    def delete_thing(delete: Any, name: str, expected_version: Any = None) -> Any:
        before = {(name, execution["jobId"]): dict(execution) for execution in store.of_thing(name)}
        answer = delete(name, expected_version)
        if name in iot._things:
            return answer  # refused
        now = iot._jobs_now_ms()
        for key, execution in before.items():
            if not ExecutionStatus(execution["status"]).is_terminal:
                execution |= {"status": ExecutionStatus.REMOVED.value, "lastUpdatedAt": now}
                iot._job_execution_event(execution)
            store[key] = execution
        return answer


def _check_certificates_and_policies(changes: Changes) -> None:
    @changes.around(iot, "_create_policy_version", "name", "payload", "qp")
    def create_policy_version(create: Any, name: str, *rest: Any) -> Any:
        policy = iot._policies.get(name)
        if policy is not None and len(policy["versions"]) >= _MAX_POLICY_VERSIONS:
            message = f"The policy {name} already has {_MAX_POLICY_VERSIONS} versions"
            return refused(message, "VersionsLimitExceededException", 409)
        return create(name, *rest)

    @changes.around(iot, "_handle_certificate", "method", "path", "body", "qp")
    def certificate(handle: Any, method: str, *rest: Any) -> Any:
        answer = handle(method, *rest)
        if method != "GET" or answer[0] != OK:
            return answer
        fields = fields_of(answer)
        described = fields["certificateDescription"]
        found = x509.load_pem_x509_certificate(described["certificatePem"].encode())
        described["validity"] = {
            "notBefore": found.not_valid_before_utc.timestamp(),
            "notAfter": found.not_valid_after_utc.timestamp(),
        }
        return json_response(fields)


def keep_package_configuration(changes: Changes) -> None:
    """Install GetPackageConfiguration and UpdatePackageConfiguration."""
    configurations: dict[tuple[str, str], dict[str, Any]] = {}

    @changes.around(iot, "handle_request", *REQUEST)
    async def handle_request(
        handle: Any, method: str, path: str, headers: Any, body: bytes, query: Any
    ) -> Any:
        if path != _PACKAGE_CONFIGURATION or method not in ("GET", "PATCH"):
            return await handle(method, path, headers, body, query)
        stored = configurations.get(account(), {"enabled": False})
        if method == "GET":
            return json_response({"versionUpdateByJobsConfig": stored})
        merged = stored | (json.loads(body or b"{}").get("versionUpdateByJobsConfig") or {})
        if merged.get("enabled") and not merged.get("roleArn"):
            message = "roleArn is required when version updates by jobs are enabled"
            return refused(message, "ValidationException")
        configurations[account()] = merged
        return json_response({})
