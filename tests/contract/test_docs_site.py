"""`make docs`: the documentation as a site, without a warning and without anybody else's server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripts.dev.docs_site import DOCS, inside_links

ROOT = DOCS.parent


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="needs mkdocs-material, the docs extra")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)]
    # A proxy that does not answer: whatever the build wanted from outside would fail.
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    built = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | nowhere | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")

    pages = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.html")}
    for source in DOCS.rglob("*.md"):
        name = source.relative_to(DOCS).with_suffix(".html")
        assert str(name).replace("README.html", "index.html") in pages
    assert (tmp_path / "schemas" / "queue-list.json").is_file()
    loaded = re.compile(r'<(?:script|img|link)[^>]+(?:src|href)="https?://[^"]*')
    assert not [found for page in pages for found in loaded.findall((tmp_path / page).read_text())]


def test_a_link_out_of_docs_leads_to_the_project_or_is_words(monkeypatch) -> None:
    text = (
        "[a file](../examples/dev.ini#top), [a page](../deploy.md#in-ci), [a site](https://x.org)"
    )
    monkeypatch.delenv("OTACTL_PROJECT_URL", raising=False)
    kept = "[a page](../deploy.md#in-ci), [a site](https://x.org)"
    assert inside_links(text, DOCS / "adr").startswith("[a file](../examples/dev.ini#top)")
    assert inside_links(text, DOCS).startswith("a file, a page")

    monkeypatch.setenv("OTACTL_PROJECT_URL", "https://git.example.org/otactl/")
    outside = text.replace("../examples", "../../examples")
    assert inside_links(outside, DOCS / "adr") == (
        f"[a file](https://git.example.org/otactl/blob/main/examples/dev.ini#top), {kept}"
    )
