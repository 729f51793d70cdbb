"""The alarms of ``[ALARM_CONFIG]``: there before the job, gone at clean-up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from otactl.deploy.ownership import describe_ours, is_ours, not_ours
from otactl.deploy.step.base import Record, Step, StepContext
from otactl.model.alarm import Alarm


class PutAlarm(Step):
    """Create one alarm on a metric of the job."""

    kind: Literal["put-alarm"] = "put-alarm"
    name: str
    alarm: Alarm
    job_id: str

    @property
    def key(self) -> str:
        """Each alarm has its name."""
        return f"alarm/{self.name}"

    @property
    def title(self) -> str:
        """Which alarm, on what."""
        return f"create alarm {self.name} on {self.alarm.metric_name} of job {self.job_id}"

    @property
    def resource(self) -> str:
        """The alarm."""
        return f"alarm/{self.name}"

    @property
    def calls(self) -> Mapping[str, int]:
        """PutMetricAlarm overwrites, so it is looked first whether there is one."""
        return {"cloudwatch:DescribeAlarms": 1, "cloudwatch:PutMetricAlarm": 1}

    @property
    def undo_calls(self) -> Mapping[str, int]:
        """The deletion."""
        return {"cloudwatch:DescribeAlarms": 1, "cloudwatch:DeleteAlarms": 1}

    def check_calls(self, *, kept: bool) -> Mapping[str, int]:  # noqa: ARG002
        """One look."""
        return {"cloudwatch:DescribeAlarms": 1}

    def do(self, context: StepContext) -> Record:
        """Create it, unless the name is taken; creating ours again changes nothing."""
        found = context.services.alarms.description(self.name)
        if found is not None and not is_ours(found, context.deployment_id):
            raise not_ours("alarm", self.name, found)
        context.services.alarms.put(
            self.name,
            self.alarm,
            job_id=self.job_id,
            description=describe_ours(context.deployment_id),
        )
        return {}

    def undo(self, context: StepContext, record: Record | None) -> bool:
        """Delete it."""
        if not self.remains(context, record):
            return False
        context.services.alarms.delete(self.name)
        return True

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        """Whether an alarm of this deployment is there."""
        found = context.services.alarms.description(self.name)
        return is_ours(found, context.deployment_id)
