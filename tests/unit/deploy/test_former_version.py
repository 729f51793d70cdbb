"""The version that each thing ran before stands in the journal, and is not written twice."""

from __future__ import annotations

import sqlite3

from tests.support.plan import a_plan_with

from otactl.deploy.journal import Journal


def test_former_versions_are_kept_as_they_were_first_written(tmp_path):
    path = tmp_path / "one.sqlite"
    journal = Journal.create(path, a_plan_with(deployment_id="one"), now_ms=0, about={})
    names = [f"t{number}" for number in range(2_000)]

    journal.enter_former(dict.fromkeys(names, "1.0") | {"t7": None})
    journal.enter_former({"t1": "2.0"})
    journal.close()

    read = Journal.read(path)
    found = read.former([*names, "stranger"])
    assert found == dict.fromkeys(names, "1.0") | {"t7": None}
    assert read.former(["t1"]) == {"t1": "1.0"}
    read.close()


def test_a_journal_of_before_has_none(tmp_path):
    path = tmp_path / "one.sqlite"
    Journal.create(path, a_plan_with(deployment_id="one"), now_ms=0, about={}).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE former")

    read = Journal.read(path)

    assert read.former(["t1"]) == {}
    read.close()
