"""The local cloud: MiniStack in a process of its own, and the stream service it lacks."""

from otactl.cloud.process import LOG_NAME, RunningCloud, stop_local_cloud
from otactl.cloud.record import AlreadyRunning, read_record
from otactl.cloud.settings import CloudSettings
from otactl.cloud.start import start_local_cloud

__all__ = [
    "LOG_NAME",
    "AlreadyRunning",
    "CloudSettings",
    "RunningCloud",
    "read_record",
    "start_local_cloud",
    "stop_local_cloud",
]
