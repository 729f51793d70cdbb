"""A function's log: its complete output, and only if the function's role allows the log.

MiniStack does not check the role. And it stops reading the output a few milliseconds after the
function's answer, by the cloud's clock, which may be faster; later output is lost.

Touched: ``ministack.services.lambda_svc._emit_lambda_logs`` is wrapped;
``ministack.core.lambda_runtime.Worker._drain_stderr_bounded`` is replaced.
"""

from __future__ import annotations

import fcntl
import logging
import queue
import struct
import termios
import time
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from otactl.cloud.ministack.permission import ServiceCaller, role_lets
from otactl.cloud.ministack.shape import Changes, require_source

_NEEDED = ("logs:CreateLogStream", "logs:PutLogEvents")
#: Real seconds without a line after which the output is complete, if the pipe is empty too.
_SILENT_AFTER_SECONDS = 0.02
_MAX_WAIT_SECONDS = 2.0

_log = logging.getLogger("otactl.cloud.lambda_log")


def install(changes: Changes) -> None:
    """Install it."""
    require_source(lambda_runtime.Worker.invoke, "self._drain_stderr_bounded()")
    require_source(lambda_runtime.Worker._read_stderr, "self._stderr_queue.put(")
    changes.put(lambda_runtime.Worker, "_drain_stderr_bounded", _output_of)

    @changes.around(
        *(lambda_svc, "_emit_lambda_logs"),
        *("func", "request_id", "log_text", "error", "duration_ms"),
    )
    def emit_lambda_logs(emit: Any, func: dict[str, Any], *rest: Any, **options: Any) -> None:
        config = func.get("config") or func
        arn = config["FunctionArn"]
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or (
            f"/aws/lambda/{config['FunctionName']}"
        )
        region, account_id = arn.split(":")[3:5]
        stream = f"arn:aws:logs:{region}:{account_id}:log-group:{group}:log-stream:any"
        caller = ServiceCaller("lambda.amazonaws.com", arn)
        if all(role_lets(config["Role"], caller, action, stream) for action in _NEEDED):
            emit(func, *rest, **options)
        else:
            _log.warning("the role of %s may not write to %s", config["FunctionName"], group)


def _output_of(worker: Any) -> str:
    """The output of a function up to its answer; a MiniStack thread reads it into a queue."""
    lines = []
    started = last = time.monotonic()
    while (now := time.monotonic()) - started < _MAX_WAIT_SECONDS:
        try:
            lines.append(worker._stderr_queue.get(timeout=_SILENT_AFTER_SECONDS))
            last = time.monotonic()
        except queue.Empty:
            if now - last >= _SILENT_AFTER_SECONDS and not _unread_bytes(worker._proc):
                break
    return "\n".join(lines)


def _unread_bytes(process: Any) -> int:
    """The number of unread bytes in the pipe; 0 if the process has ended."""
    if process is None or process.stderr.closed:
        return 0
    answer = fcntl.ioctl(process.stderr.fileno(), termios.FIONREAD, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])
