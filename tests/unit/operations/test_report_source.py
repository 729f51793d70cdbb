"""A report can be written while AWS is out of reach, whatever the journal has so far."""

from __future__ import annotations

from otactl.errors import AwsUnreachable
from otactl.operations.report_content import ReportContent
from otactl.operations.report_source import with_wave_jobs


class LostJobs:
    """IoT Jobs out of reach."""

    def describe(self, _job_id):
        raise AwsUnreachable("iot:DescribeJob", "EndpointConnectionError", "no route")


def test_a_report_of_waves_whose_first_wave_still_runs() -> None:
    content = ReportContent(job_id="job", made_ms=2, created_ms=1, rounds=())

    found = with_wave_jobs(content, {1: "job-canary"}, LostJobs(), details=0)

    assert found.rounds == ()
    assert found.notes[0].startswith("What has begun is not known: AWS could not be queried: ")
