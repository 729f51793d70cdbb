"""Fits a fleet profile to the executions of a past deployment, real or rehearsed. No NumPy."""

from otactl.forecast.calibrate.estimate import Estimate
from otactl.forecast.calibrate.fit import Fit, fit
from otactl.forecast.calibrate.profile_text import profile_text
from otactl.forecast.calibrate.record import ExecutionRecord, PastDeployment, parse_report

__all__ = [
    "Estimate",
    "ExecutionRecord",
    "Fit",
    "PastDeployment",
    "fit",
    "parse_report",
    "profile_text",
]
