"""The design document names files that are there, and its walks follow the imports down."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "otactl"
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def test_every_file_and_folder_it_names_is_there():
    named = re.findall(r"`([a-z_/]+/[a-z_]+\.(?:py|js)|[a-z_/]+/)`", DESIGN)
    assert len(named) > 60
    missing = [name for name in named if not any((root / name).exists() for root in (SOURCE, ROOT))]
    assert missing == []


def test_every_layer_has_its_row():
    rows = set(re.findall(r"^\|[^|]+\| `([a-z_]+)(?:/|\.py)` \|", DESIGN, re.MULTILINE))
    layers = {path.parent.name for path in SOURCE.glob("*/__init__.py")} | {
        *("api", "atomic_file", "loop_lateness")
    }

    assert rows == layers
