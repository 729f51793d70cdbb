"""Queries as the tables of AWS's guide have them, and what is refused."""

from __future__ import annotations

import pytest
from tests.support.index_field import reported_field

from otactl.cloud.index_query import InvalidQuery, parse
from otactl.model.fleet_query import in_group, query, term
from otactl.model.thing_state import VersionSource

THING = {
    "thingName": "mything2",
    "thingTypeName": "MyThingType",
    "thingGroupNames": ["mygroup1", "mygroup2"],
    "attributes": {"model": "1.2", "country": "usa", "attr1": "abc", "attr2": "4"},
    "shadow": {
        "desired": {"location": "new york", "myvalues": [3, 4, 5]},
        "reported": {"location": "new york", "myvalues": [1, 2, 3], "stats": {"battery": 78}},
        "hasDelta": True,
        "name": {"$package": {"reported": {"app": {"version": "1.0.0"}}}},
    },
    "connectivity": {"connected": True, "timestamp": 1557700000000},
}

#: AWS IoT Developer Guide, example-queries and preparing-fleet-indexing.
GUIDE = [
    ("thingName:mything2", True),
    ("thingName:my*", True),
    ("thingName:ab?", False),
    ("thingTypeName:aa", False),
    ("thingTypeName:mythingtype", True),
    ("thingGroupNames:mygroup2", True),
    ("attributes.attr2:4", True),
    ("attributes.attr2:[4 TO 8]", True),
    ("attributes.attr2:{4 TO 8]", False),
    ("attributes.attr2:{3 TO 4}", False),
    ('attributes.attr1:["abb" TO "abd"]', True),
    ('attributes.attr1:["abd" TO "abf"]', False),
    ("attributes.attr1:a*c", True),
    ("attributes.attr1:abc AND attributes.attr2<5 NOT attributes.attr3>10", True),
    ("attributes.attr1:abc AND attributes.attr2<4 NOT attributes.attr3>10", False),
    ("shadow.hasDelta:true", True),
    ("NOT attributes.model:legacy", True),
    ("NOT attributes.model:1.2", False),
    ("shadow.reported.stats.battery:{70 TO 100}", True),
    ("shadow.reported.myvalues:2", True),
    ("shadow.reported.myvalues:4", False),
    ("shadow.reported.location:* NOT shadow.desired.stats.battery:*", True),
    ('shadow.reported.location:"new york"', True),
    ("connectivity.connected:true", True),
    ("connectivity.connected:false", False),
    (
        "connectivity.connected:true AND connectivity.timestamp : [1557651600000 TO 1557867600000]",
        1,
    ),
    ("connectivity.timestamp > 1557867600000", False),
    ("connectivity.timestamp > 1557651600000", True),
    ("connectivity.disconnectReason:*", False),
    (r"shadow.name.\$package.reported.app.version:1.0.0", True),
    ("shadow.name.$package.reported.app.version:1.0.0", True),
    (r"NOT shadow.name.\$package.reported.app.version:*", False),
    (r"NOT shadow.name.\$package.reported.other.version:*", True),
]


@pytest.mark.parametrize(("text", "found"), GUIDE)
def test_a_query_of_the_guide_finds_what_it_says(text, found):
    assert all(one.matches(THING) for one in parse(text)) is bool(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "AND thingName:a",
        "thingName:a AND",
        "thingName:a AND AND thingName:b",
        "thingName:a NOT",
        "thingName:a OR thingName:b",
        "thingName:(a b)",
        "thingname:a",
        "attributes:a",
        "shadow.x:1",
        "shadow.name.n:1",
        "connectivity.since:1",
        "thingName:a@b",
        "attributes.a:[1 2]",
        " ".join(f"attributes.a{number}:1" for number in range(13)),
    ],
)
def test_what_is_no_query_here_is_refused(text):
    with pytest.raises(InvalidQuery):
        parse(text)


@pytest.mark.parametrize("version", ["1.0.0", "1.0 beta", 'a"b', "1.*", "v1;2", "AND", "\\"])
@pytest.mark.parametrize("shadow", ["", "$package", "fw:1"])
def test_our_terms_find_the_very_value(version, shadow):
    source = VersionSource(shadow=shadow, version_path=("app one", "version"))
    half = {"reported": {"app one": {"version": version}}}
    document = {"thingGroupNames": ["g"], "shadow": {"name": {shadow: half}} if shadow else half}

    terms = parse(query(in_group("g"), term(reported_field(source, source.version_path), version)))
    others = parse(
        query(in_group("g"), "NOT " + term(reported_field(source, source.version_path), version))
    )

    assert all(one.matches(document) for one in terms)
    assert not all(one.matches(document) for one in others)
    half["reported"]["app one"]["version"] = version + "1"
    assert all(one.matches(document) for one in others)
