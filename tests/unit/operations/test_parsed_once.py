"""A command parses its configuration once: a second reading could see another file."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

import pytest
from tests.support.dev_ini import dev_ini, section
from tests.unit.operations.queue.test_request_files import REQUEST

from otactl.jobqueue.trust import Trust
from otactl.model.configuration import parse_configuration
from otactl.model.ini import read_ini
from otactl.operations.lint_report import lint_deployment
from otactl.operations.load import load_deployment
from otactl.operations.queue.request_files import read_request

COUNTED: dict[CodeType, str] = {parse_configuration.__code__: "parse", read_ini.__code__: "read"}


@contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often the block parses a configuration, and reads the text of one."""
    calls: Counter[str] = Counter()

    def on_event(frame: FrameType, event: str, _arg: object) -> None:
        if event == "call" and frame.f_code in COUNTED:
            calls[COUNTED[frame.f_code]] += 1

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        yield calls
    finally:
        sys.setprofile(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test.bin").write_bytes(b"firmware")
    (tmp_path / "thingsList.txt").write_text("arn:aws:iot:us-east-1:123456789012:thing/t1\n")
    (tmp_path / "dev.ini").write_text(dev_ini())
    return tmp_path


def test_a_deployment_and_its_linter_parse_the_file_once(folder: Path) -> None:
    with counted() as calls:
        lint_deployment(load_deployment(folder / "dev.ini"), things=1)

    assert calls == {"parse": 1, "read": 1}


def test_a_worker_parses_a_request_once_and_opens_nothing_that_it_refuses(folder: Path) -> None:
    with counted() as calls:
        loaded = read_request(REQUEST, folder, Trust(), now_ms=None)

    assert calls == {"parse": 1, "read": 1}
    assert loaded.configuration.image == str(folder / "test.bin")


def test_every_path_of_a_file_counts_from_its_folder(folder: Path) -> None:
    (folder / "document.json").write_text('{"a": "b"}')
    document = section("CUSTOM_JOB_DOCUMENT", jobDocSrcCfg="local_file", jobDocPath="document.json")
    (folder / "dev.ini").write_text(dev_ini(document, useCustomJobDocument="True"))

    configuration = load_deployment(folder / "dev.ini").configuration

    assert configuration.thing_list == str(folder / "thingsList.txt")
    assert configuration.custom_document is not None
    assert configuration.custom_document.path == str(folder / "document.json")
