"""otactl from Python: results and errors, nothing printed; the page's examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.e2e.deployable import Deployable
from tests.e2e.device_loop import DeviceLoop
from tests.e2e.program import environment

from otactl.api import Consent, LocationOptions, cancel, clean, deploy, lint, load, watch
from otactl.aws.inventory import take_inventory
from otactl.errors import ConfigurationInvalid, JobUnfinished, UserMistake

if TYPE_CHECKING:
    from otactl.testing.fixtures import Rehearse

pytest_plugins = ["otactl.testing.fixtures"]

PAGE = Path(__file__).parents[2] / "docs" / "python-api.md"


@pytest.fixture
def things(clients, unique):
    names = [f"python-{unique}-{number}" for number in range(2)]
    for name in names:
        clients.iot.create_thing(thingName=name)
    return names


@pytest.fixture
def deployable(tmp_path, things, firmware_bucket, stream_role_arn, unique):
    return Deployable(tmp_path, things, firmware_bucket, stream_role_arn, f"python-{unique}")


@pytest.fixture
def location(cloud, tmp_path, monkeypatch):
    for name, text in cloud.address.environment().items():
        monkeypatch.setenv(name, text)
    return LocationOptions(endpoint_url=cloud.address.endpoint_url, state_dir=tmp_path / "state")


def test_a_rehearsal_is_a_result_and_prints_nothing(
    rehearse: Rehearse, deployable: Deployable, tmp_path: Path, capfd
) -> None:
    result = rehearse(deployable.write(), things=20, behave={"fail": 10}, speed=10)

    assert (result.succeeded, result.failed, result.is_success) == (18, 2, False)
    assert "2 of 20 things did not succeed" in str(result.failure)
    assert result.leftovers == ()
    assert (tmp_path / "otactl" / "deployments").is_dir()
    assert capfd.readouterr() == ("", "")


def test_the_examples_of_the_page_run(cloud, clients, deployable, things, tmp_path) -> None:
    deployable.write()
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    in_pytest = [block for block in blocks if block.startswith("# test_firmware.py")]
    (tmp_path / "test_firmware.py").write_text(in_pytest[0])
    scripts = "\n".join(block for block in blocks if block not in in_pytest)
    (tmp_path / "examples.py").write_text(scripts)
    env = environment(cloud) | {"XDG_STATE_HOME": str(tmp_path / "home")}

    with DeviceLoop(clients, things):
        ran = subprocess.run(
            [sys.executable, "examples.py"],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_firmware.py"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert "there is no job a-job-of-another-machine" in ran.stdout
    assert tested.returncode == 0, tested.stdout


def test_nothing_happens_on_live_devices_without_a_consent(
    deployable: Deployable, location: LocationOptions, clients, firmware_bucket
) -> None:
    path, before = deployable.write(), take_inventory(clients, (firmware_bucket,))

    for act in (deploy, clean, cancel):
        with pytest.raises(TypeError, match="consent"):
            act(str(path))  # type: ignore[call-arg]
        with pytest.raises(UserMistake, match=r"consent=Consent\.(YES|ENDED)"):
            act(str(path), consent=Consent.REHEARSAL, location=location)

    assert take_inventory(clients, (firmware_bucket,)) <= before


def test_a_job_that_runs_is_watched_kept_and_cancelled(
    deployable: Deployable, location: LocationOptions, clients, things
) -> None:
    path = deployable.write()
    with DeviceLoop(clients, things[:1]):
        left = deploy(
            path, consent=Consent.YES, location=location, max_wait_seconds=3, poll_seconds=0.2
        )
    assert left.succeeded == 1
    assert left.failure is not None

    with pytest.raises(JobUnfinished):
        clean(left.deployment_id, consent=Consent.ENDED, location=location)
    cancel(left.job_id, consent=Consent.YES, force=True, location=location)
    *_, last = watch(left.deployment_id, location=location, poll_seconds=0.2)
    assert last.job is not None
    assert last.job.status == "CANCELED"
    assert clean(left.deployment_id, consent=Consent.ENDED, location=location).leftovers == ()


def test_mistakes_are_errors_of_otactl(deployable: Deployable, location: LocationOptions) -> None:
    path = deployable.write(rounds="many")
    with pytest.raises(ConfigurationInvalid) as refused:
        load(path)
    assert refused.value.problems[0].key == "rounds"

    with pytest.raises(UserMistake, match="no job nowhere"):
        list(watch("nowhere", location=location))
    assert lint(deployable.write(), things=2).things == 2
