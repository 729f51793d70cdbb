"""The colours: statuses stay apart for every eye, and words are dark enough to be read."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files

import pytest

#: How eyes without one kind of cone see linear RGB (Machado, Oliveira, Fernandes 2009, severity 1).
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue cones": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
#: In CIELAB, where 2.3 is the least difference that is seen side by side.
LEAST_DISTANCE = 18
#: WCAG 2: text 4.5 to 1, what is not text 3 to 1.
TEXT, CONTROL = 4.5, 3.0


@pytest.fixture(params=["light", "dark"])
def colours(request):
    css = (files("otactl.views.chart") / "chart.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    chosen = light if request.param == "light" else dark
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", chosen))


def linear(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen_by(eye, colour):
    return [
        min(1, max(0, sum(by * part for by, part in zip(row, linear(colour), strict=True))))
        for row in EYES[eye]
    ]


def luminance(red, green, blue):
    return 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue


def lab(red, green, blue):
    def root(part):
        return part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116

    x = root((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047)
    y = root(luminance(red, green, blue))
    z = root((0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def contrast(one, other):
    lighter, darker = sorted((luminance(*linear(each)) for each in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("eye", EYES)
def test_no_two_statuses_look_alike_to_any_eye(colours, eye):
    statuses = {name: colour for name, colour in colours.items() if name.startswith("s-")}
    assert len(statuses) == 9

    for one, other in itertools.combinations(statuses, 2):
        distance = math.dist(lab(*seen_by(eye, statuses[one])), lab(*seen_by(eye, statuses[other])))
        needed = 10 if {one, other} == {"s-queued", "s-none"} else LEAST_DISTANCE
        assert distance > needed, f"{one} and {other} are {distance:.0f} apart"


@pytest.mark.parametrize("name", ["ink", "soft", "accent", "good", "bad"])
def test_words_stand_out_from_what_is_behind_them(colours, name):
    assert contrast(colours[name], colours["paper"]) >= TEXT


@pytest.mark.parametrize("name", ["ink", "soft"])
def test_words_beside_the_sections_stand_out_too(colours, name):
    assert contrast(colours[name], colours["ground"]) >= TEXT


def test_edges_of_fields_can_be_seen(colours):
    assert contrast(colours["edge"], colours["paper"]) >= CONTROL
