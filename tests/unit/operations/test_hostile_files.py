"""Every file a user names is read within bounds: no traceback, no endless read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.plan import a_plan_with

from otactl.errors import OtactlError
from otactl.forecast.calibrate.record import parse_report
from otactl.forecast.toml_text import MAX_TOML_LENGTH
from otactl.operations.fleet_address import read_public_key
from otactl.operations.forecast_inputs import read_prices, read_profile
from otactl.operations.plan_file import check_plan
from otactl.operations.text_file import read_named_text

if TYPE_CHECKING:
    from collections.abc import Callable

TOML_FAULTS = {
    "nested lists": "a = " + "[" * 20_000,
    "nested tables": "a = " + "{a=" * 20_000,
    "a dotted key": ".".join("a" * 60_000) + " = 1",
    "a dotted heading": "[" + ".".join("a" * 60_000) + "]",
    "a number of 10,000 digits": "start_hour = " + "9" * 10_000,
    "a number beyond floating point": "start_hour = " + "9" * 4_000,
    "a number beyond floating point, deeper": "[[group]]\ninstall_seconds = " + "9" * 4_000,
    "longer than the limit": "#" * (MAX_TOML_LENGTH + 1),
    "NUL": "\0",
    "half a line": "[[group",
}
JSON_FAULTS = {
    "nested lists": "[" * 100_000,
    "nested objects": '{"a":' * 100_000,
    "a number of 10,000 digits": '{"fingerprint": ' + "9" * 10_000 + "}",
    "a list": "[]",
    "no plan": "{}",
    "nothing": "",
    "NUL": "\0",
}
REPORT_FAULTS = {
    "nested lists": "[" * 100_000,
    "digits": '{"executions": [' + "9" * 10_000 + "]}",
    "a time beyond floating point": '[{"status":"FAILED","thing":"a","queuedAt":'
    + "9" * 4_000
    + "}]",
    "a count without end": '[{"status":"FAILED","thing":"a","queuedAt":1,"round":'
    + "9" * 4_000
    + "}]",
}
READERS: dict[str, Callable[[Path], object]] = {
    "profile": read_profile,
    "prices": read_prices,
    "plan": lambda path: check_plan(a_plan_with(deployment_id="d"), path),
    "public key": read_public_key,
}


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(OtactlError) as raised:
        read()
    assert len(str(raised.value)) < 500
    return str(raised.value)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_that_never_ends(reader: str, device: str) -> None:
    assert "it is a device" in refused(lambda: READERS[reader](Path(device)))


@pytest.mark.parametrize("reader", READERS)
def test_a_file_that_is_not_there(reader: str, tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert f"{missing}: there is no such file" in refused(lambda: READERS[reader](missing))


@pytest.mark.parametrize("reader", ["profile", "prices"])
@pytest.mark.parametrize("fault", TOML_FAULTS)
def test_toml_beyond_the_bounds(reader: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.toml"
    path.write_text(TOML_FAULTS[fault])
    assert str(path) in refused(lambda: READERS[reader](path))


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_a_plan_beyond_the_bounds(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(JSON_FAULTS[fault])
    assert str(path) in refused(lambda: READERS["plan"](path))


@pytest.mark.parametrize("fault", REPORT_FAULTS)
def test_a_report_beyond_the_bounds(fault: str) -> None:
    assert "r.json" in refused(lambda: parse_report(REPORT_FAULTS[fault], file_name="r.json"))


def test_a_sparse_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OtactlError, match="cannot read the plan"):
        read_named_text(path, "plan", limit=1000)
