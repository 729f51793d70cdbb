"""Small rules of the registry that MiniStack leaves out.

- A thing cannot be made of a deprecated thing type (Developer Guide, thing-types).
- UpdateThing with an empty value removes the attribute, merged or not (API reference,
  AttributePayload).
- A policy has five versions at most (API reference, CreatePolicyVersion).
- DescribeCertificate tells the validity (``iot`` CertificateValidity).
- The executions of a deleted thing are REMOVED and counted as that (aws-facts A5), not gone.

Touched, in ``ministack.services.iot``: ``_create_thing``, ``_update_thing``, ``_delete_thing``,
``_create_policy_version`` and ``_handle_certificate`` are wrapped.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography import x509
from ministack.core.responses import error_response_json, json_response
from ministack.services import iot

from otactl.cloud.ministack.execution_store import executions as executions_by_thing
from otactl.cloud.ministack.shape import require_parameters, require_source
from otactl.model.status import ExecutionStatus

_MAX_POLICY_VERSIONS = 5
_OK = 200


def install() -> None:
    """Put the rules in place.

    Raises:
        ShapeChanged: MiniStack's registry is not the one this was written for.
    """
    require_parameters(iot._create_thing, "name", "payload")  # noqa: SLF001
    require_parameters(iot._update_thing, "name", "payload")  # noqa: SLF001
    require_parameters(iot._delete_thing, "name", "expected_version")  # noqa: SLF001
    require_parameters(iot._create_policy_version, "name", "payload", "qp")  # noqa: SLF001
    require_parameters(iot._handle_certificate, "method", "path", "body", "qp")  # noqa: SLF001
    require_source(iot._delete_thing, "del _job_executions[(name, job_id)]")  # noqa: SLF001
    _install_things()
    _install_removal()
    _install_policies_and_certificates()


def _install_things() -> None:
    create, update = iot._create_thing, iot._update_thing  # noqa: SLF001

    def create_thing(name: str, payload: dict[str, Any]) -> Any:
        type_name = payload.get("thingTypeName")
        thing_type = iot._thing_types.get(type_name) if type_name else None  # noqa: SLF001
        if thing_type is not None and thing_type["thingTypeMetadata"].get("deprecated"):
            return _refused(f"Thing type {type_name} is deprecated")
        return create(name, payload)

    def update_thing(name: str, payload: dict[str, Any]) -> Any:
        answer = update(name, payload)
        thing = iot._things.get(name)  # noqa: SLF001
        if thing is not None:
            kept = {key: text for key, text in thing.get("attributes", {}).items() if text}
            thing["attributes"] = kept
        return answer

    iot._create_thing = create_thing  # noqa: SLF001
    iot._update_thing = update_thing  # noqa: SLF001


def _install_removal() -> None:
    delete, store = iot._delete_thing, executions_by_thing()  # noqa: SLF001

    def delete_thing(name: str, expected_version: Any = None) -> Any:
        executions = {
            (name, execution["jobId"]): dict(execution) for execution in store.of_thing(name)
        }
        answer = delete(name, expected_version)
        if name in iot._things:  # noqa: SLF001
            return answer  # refused
        now = iot._jobs_now_ms()  # noqa: SLF001
        for key, execution in executions.items():
            if not ExecutionStatus(execution["status"]).is_terminal:
                execution |= {"status": ExecutionStatus.REMOVED.value, "lastUpdatedAt": now}
                iot._job_execution_event(execution)  # noqa: SLF001
            store[key] = execution
        return answer

    iot._delete_thing = delete_thing  # noqa: SLF001


def _install_policies_and_certificates() -> None:
    create_version = iot._create_policy_version  # noqa: SLF001
    handle_certificate = iot._handle_certificate  # noqa: SLF001

    def create_policy_version(name: str, payload: dict[str, Any], qp: dict[str, str]) -> Any:
        policy = iot._policies.get(name)  # noqa: SLF001
        if policy is not None and len(policy["versions"]) >= _MAX_POLICY_VERSIONS:
            message = f"The policy {name} already has {_MAX_POLICY_VERSIONS} versions"
            return error_response_json("VersionsLimitExceededException", message, 409)
        return create_version(name, payload, qp)

    def certificate(method: str, path: str, body: bytes, qp: dict[str, str]) -> Any:
        answer = handle_certificate(method, path, body, qp)
        if method != "GET" or answer[0] != _OK:
            return answer
        fields = json.loads(answer[2])
        described = fields["certificateDescription"]
        found = x509.load_pem_x509_certificate(described["certificatePem"].encode())
        described["validity"] = {
            "notBefore": found.not_valid_before_utc.timestamp(),
            "notAfter": found.not_valid_after_utc.timestamp(),
        }
        return json_response(fields)

    iot._create_policy_version = create_policy_version  # noqa: SLF001
    iot._handle_certificate = certificate  # noqa: SLF001


def _refused(message: str) -> Any:
    return error_response_json("InvalidRequestException", message, 400)
