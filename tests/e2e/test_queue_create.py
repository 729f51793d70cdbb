"""The wizard that ends in the queue, keys pressed as a user does: the manual's ``create``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest
from tests.e2e.test_init import CLEAR_LINE, ENTER, QUESTIONS
from tests.support.answering_devices import AnsweringDevices
from tests.support.output_schema import check_output
from tests.support.queue_site import REGION, QueueSite

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from otactl.aws.clients import AwsClients
    from otactl.cloud import RunningCloud

SCRIPT = Path(__file__).parents[2] / "scripts" / "add_job_schedule.py"


@pytest.fixture
def site(cloud: RunningCloud, clients: AwsClients, unique: str, tmp_path: Path) -> QueueSite:
    return QueueSite(cloud, clients, unique, tmp_path, things=2)


def create(site: QueueSite, command: Sequence[str], answers: Mapping[str, str]) -> str:
    """Answer the wizard; what has no answer is taken as suggested. Returns what it said."""
    process = pexpect.spawn(
        sys.executable,
        [*command],
        cwd=str(site.folder),
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 160),
        # Nobody here answers when the program asks the terminal where its cursor is.
        env={**site.environment, "PROMPT_TOOLKIT_NO_CPR": "1"},
    )
    process.delaybeforesend = None
    try:
        for question in (*QUESTIONS, "What else"):
            process.expect(rf"\?(?:\x1b\[[0-9;]*m)* {question}\b")
            if question in answers:
                process.send(CLEAR_LINE + answers[question])
            process.send(ENTER)
        process.expect(pexpect.EOF)
        process.wait()
        said = str(process.before)
        assert process.exitstatus == 0, said
        check_output(command[2:], said[said.rfind("\n{") :])
    finally:
        process.close(force=True)
    return said


def test_the_manual_s_create_asks_writes_and_queues_and_starts_from_the_last_file(
    site: QueueSite, clients: AwsClients
) -> None:
    things = site.folder / "thingsList.txt"
    things.write_text(f"{site.arn(site.things[0])}\n")
    location = ["-tb", site.table_name, "-b", site.bucket, "-r", REGION]
    command = [str(SCRIPT), "-m", "create", "-f", site.image.name, "-l", things.name, *location]
    answers = {
        "roleArn": site.role_arn,
        "jobId": "mine",
        "bucket": site.bucket,
        "region": REGION,
        "streamId": "mine",
    }

    said = create(site, command, answers)

    (first,) = site.states()
    assert first in said
    text = (site.folder / "dev.ini").read_text()
    assert f"binName = {site.image.name}" in text
    assert f"thingList = {things.name}" in text

    # The second time every answer is there already, as the manual says: the last dev.ini.
    create(site, command, {})
    assert len(site.states()) == 2

    with AnsweringDevices(clients, things=site.things) as devices:
        assert site.work("--drain").returncode == 0
    assert set(site.states().values()) == {"Deployed"}
    assert sorted(devices.carried_out.values()) == [1, 1]


def test_create_takes_the_same_terms_as_add(site: QueueSite) -> None:
    path = site.write_deployment(site.things)
    command = ["-m", "otactl", "queue", "create", path.name, "--table", site.table_name]

    create(site, [*command, "--split", "1", "--priority", "low", "--output", "json"], {})

    requests = [site.request(job_id) for job_id in site.states()]
    assert [each.priority.value for each in requests] == ["low", "low"]
    assert [each.series.part for each in requests if each.series] == [1, 2]


def test_without_a_terminal_create_says_so_and_queues_nothing(site: QueueSite) -> None:
    ended = site.run(
        *(sys.executable, "-m", "otactl", "queue", "create", "--table", site.table_name),
    )

    assert ended.returncode == 2
    assert "is not a terminal" in ended.stderr
    assert site.states() == {}
