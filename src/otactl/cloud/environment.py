"""The environment variables of the server process, which configure MiniStack.

The user's own variables are not passed on: MiniStack passes its environment to Lambda functions,
which must not get real AWS credentials, proxies and endpoints. All files are in the state
directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from otactl.cloud.settings import ServerSettings

_KEPT = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH"}
    | {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "COVERAGE_PROCESS_START"}
)
#: MiniStack's resend interval for a message that was not acknowledged, and how long it keeps the
#: session of a disconnected client; both in real seconds.
_RETRANSMIT_SECONDS = 30
_SESSION_SECONDS = 3600


def temporary_directory(state_dir: Path) -> Path:
    """The directory for temporary files of the server and its Lambda functions."""
    return state_dir / "tmp"


def server_environment(ours: Mapping[str, str]) -> dict[str, str]:
    """The variables of our own environment that the server process gets."""
    return {name: text for name, text in ours.items() if name in _KEPT or name.startswith(("LC_",))}


def ministack_environment(settings: ServerSettings, state_dir: Path) -> dict[str, str]:
    """The variables that configure MiniStack; they must be set before it is imported."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(settings.port),
        "IOT_MTLS_PORT": str(settings.mqtt_port),
        # Require credentials, and enforce IoT policies on device connections.
        "AUTH": "true",
        "MINISTACK_ACCOUNT_ID": settings.chosen.account_id,
        "MINISTACK_REGION": settings.chosen.region,
        "LOG_LEVEL": settings.chosen.log_level,
        "TMPDIR": str(temporary_directory(state_dir)),
        "STATE_DIR": str(state_dir / "services"),
        "S3_DATA_DIR": str(state_dir / "s3"),
        "IOT_RETRANSMIT_SECONDS": str(round(_RETRANSMIT_SECONDS * settings.chosen.speed)),
        "IOT_SESSION_EXPIRY_SECONDS": str(round(_SESSION_SECONDS * settings.chosen.speed)),
        # MiniStack removes containers that it takes for its own leftovers. They may belong to
        # another MiniStack on this machine, so it must not find Docker.
        "DOCKER_HOST": f"unix://{state_dir / 'no-docker.sock'}",
        "LAMBDA_EXECUTOR": "local",
        "SFTP_ENABLED": "0",
        # Neither MiniStack nor a Lambda function may use the user's own account.
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
