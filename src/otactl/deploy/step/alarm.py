"""The alarms of ``[ALARM_CONFIG]``: created before the job, deleted at clean-up."""

from __future__ import annotations

from typing import ClassVar, Literal

from otactl.deploy.ownership import describe_ours, is_ours, not_ours
from otactl.deploy.step.base import Calls, Record, Step, StepContext
from otactl.model.alarm import Alarm


class PutAlarm(Step):
    """Create one alarm on a metric of the job."""

    kind: Literal["put-alarm"] = "put-alarm"
    name: str
    alarm: Alarm
    job_id: str

    #: PutMetricAlarm overwrites, so the step first checks whether the alarm exists.
    calls: ClassVar[Calls] = {"cloudwatch:DescribeAlarms": 1, "cloudwatch:PutMetricAlarm": 1}
    undo_calls: ClassVar[Calls] = {"cloudwatch:DescribeAlarms": 1, "cloudwatch:DeleteAlarms": 1}
    check_calls: ClassVar[Calls] = {"cloudwatch:DescribeAlarms": 1}

    @property
    def key(self) -> str:
        return f"alarm/{self.name}"

    @property
    def title(self) -> str:
        return f"create alarm {self.name} on {self.alarm.metric_name} of job {self.job_id}"

    @property
    def resource(self) -> str:
        return f"alarm/{self.name}"

    def do(self, context: StepContext) -> Record:
        """Create it, unless the name is in use; creating ours again changes nothing."""
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

    def remains(self, context: StepContext, record: Record | None) -> bool:  # noqa: ARG002
        found = context.services.alarms.description(self.name)
        return is_ours(found, context.deployment_id)

    def delete(self, context: StepContext) -> None:
        context.services.alarms.delete(self.name)
