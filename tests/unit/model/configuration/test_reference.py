"""The page, the table, the models and the manual name the same keys, and every proof exists."""

from __future__ import annotations

import ast

import pytest
from scripts.dev.dev_ini_reference import PAGE, PROOFS, ROOT, TESTS, render

from otactl.model.configuration.catalogue import all_keys
from otactl.model.configuration.sections import SECTIONS, find_section
from otactl.model.ini import read_ini

MANUAL_SAMPLE = read_ini((ROOT / "examples" / "manual.ini").read_text(encoding="utf-8"))
MANUAL_KEYS = [
    (section.name, entry.key) for section in MANUAL_SAMPLE.sections for entry in section.entries
]


def test_the_page_is_what_the_table_says():
    assert PAGE.read_text(encoding="utf-8") == render(), (
        "run `python -m scripts.dev.dev_ini_reference`"
    )


def test_the_table_has_every_field_of_every_model_and_nothing_else():
    fields = {
        f"{spec.name}.{field.alias}"
        for spec in SECTIONS
        if spec.model is not None
        for field in spec.model.model_fields.values()
    }
    own = {"TAGS.<tag>", "LINT_CONFIG.waive_<CODE>"}

    assert {key.full_name for key in all_keys()} == fields | own


@pytest.mark.parametrize(("section", "key"), MANUAL_KEYS)
def test_every_key_of_the_manuals_sample_is_in_the_table_as_the_manuals(section: str, key: str):
    spec = find_section(section)
    assert spec is not None
    (found,) = [
        each for each in all_keys() if each.section == spec.name and key in (each.name, each.also)
    ]
    assert not found.ours


def test_no_key_is_called_the_manuals_that_is_none_of_its():
    of_the_manual = {key.name for key in all_keys() if not key.ours}

    # The sample has the misspelt one; the manual's text, the other.
    assert of_the_manual == {key for _, key in MANUAL_KEYS} - {"fileChunckSize"} | {"fileChunkSize"}


def test_every_key_is_explained_for_people():
    for key in all_keys():
        assert key.about[0].isupper() or key.about.split(":")[0].islower(), key.full_name
        assert key.about.endswith("."), key.full_name
        assert key.becomes, key.full_name


def test_every_key_has_a_proof_and_every_proof_a_key():
    assert list(PROOFS) == [key.full_name for key in all_keys()]


@pytest.mark.parametrize("proof", sorted(set(PROOFS.values())))
def test_every_proof_is_a_test_that_exists(proof: str):
    file_name, *names = proof.split("::")
    scope: ast.AST = ast.parse((ROOT / TESTS / file_name).read_text(encoding="utf-8"))
    for name in names:
        scope = next(
            node
            for node in ast.iter_child_nodes(scope)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
        )
    assert isinstance(scope, ast.FunctionDef)
