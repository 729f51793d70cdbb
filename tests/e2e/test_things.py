"""``otactl things`` against the registry of the local cloud."""

from __future__ import annotations

import pytest
from tests.e2e.program import otactl


@pytest.fixture
def group(clients, unique):
    name = f"group-{unique}"
    clients.iot.create_thing_group(thingGroupName=name)
    for number in range(3):
        clients.iot.create_thing(
            thingName=f"t{number}-{unique}", attributePayload={"attributes": {"model": unique}}
        )
        clients.iot.add_thing_to_thing_group(thingGroupName=name, thingName=f"t{number}-{unique}")
    return name


def arns(unique):
    return [f"arn:aws:iot:us-east-1:123456789012:thing/t{n}-{unique}" for n in range(3)]


def test_the_things_of_a_group_become_a_list(cloud, group, unique, tmp_path):
    out = tmp_path / "list.txt"

    run = otactl("things", "--group", group, "--out", str(out), cloud=cloud)

    assert run.returncode == 0
    assert sorted(out.read_text().splitlines()) == arns(unique)
    assert "3 things" in run.stderr


def test_a_group_that_is_not_there_is_the_user_s_mistake(cloud):
    run = otactl("things", "--group", "there-is-none", cloud=cloud)

    assert run.returncode == 2
    assert "there is no thing group there-is-none" in run.stderr


def test_an_existing_list_is_not_replaced_unasked(cloud, group, tmp_path):
    out = tmp_path / "list.txt"
    out.write_text("mine\n")

    run = otactl("things", "--group", group, "--out", str(out), cloud=cloud)

    assert run.returncode == 2
    assert "list.txt exists" in run.stderr
    assert out.read_text() == "mine\n"


def test_a_query_finds_things_by_the_fleet_index(cloud, clients, group, unique):
    clients.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "REGISTRY"}
    )

    run = otactl("things", "--query", f"attributes.model:{unique}", cloud=cloud)

    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.split()) == arns(unique)


def test_a_query_without_an_index_says_how_to_make_one(cloud, clients, group):
    clients.iot.update_indexing_configuration(
        thingIndexingConfiguration={"thingIndexingMode": "OFF"}
    )

    run = otactl("things", "--query", "thingName:*", cloud=cloud)

    assert run.returncode == 3
    assert "update-indexing-configuration" in run.stderr
    assert "--group and --all need none" in run.stderr


def test_all_things_are_listed_each_once(cloud, group, unique):
    run = otactl("things", "--all", cloud=cloud)

    listed = run.stdout.split()
    assert set(arns(unique)) <= set(listed)
    assert len(listed) == len(set(listed))


def test_an_unknown_group_leaves_no_file(cloud, unique, tmp_path):
    out = tmp_path / "list.txt"

    run = otactl("things", "--group", f"none-{unique}", "--out", str(out), cloud=cloud)

    assert run.returncode == 2
    assert not list(tmp_path.iterdir())


def test_no_choice_or_two_are_a_mistake(cloud):
    assert otactl("things", cloud=cloud).returncode == 2
    assert otactl("things", "--all", "--group", "x", cloud=cloud).returncode == 2
