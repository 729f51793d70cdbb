from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otactl.jobqueue.stored_file import (
    FileRole,
    StoredFile,
    check_digest,
    check_key,
    release_key,
)


@pytest.mark.parametrize(
    "key",
    [
        "release/../../etc/passwd",
        "release/..",
        "release/.",
        "release/",
        "release",
        "/etc/passwd",
        "release//etc/passwd",
        "release/a/b",
        "release/a\\b",
        "release/.bashrc",
        "release/-rf",
        "release/~root",
        "release/a\nb",
        "release/\x1b[2J",
        "release/a\0b",
        "other/a",
        "",
        "release/" + "ü" * 128,
    ],
)
def test_a_key_that_is_no_plain_file_name_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        check_key(key)


@pytest.mark.parametrize(
    "name", ["binFile_jobId_20200101-120000_test.bin", "my image (2).bin", "größe.bin", "a"]
)
def test_what_the_old_script_stores_is_taken(name: str) -> None:
    assert check_key(f"release/{name}") == f"release/{name}"
    assert StoredFile(key=f"release/{name}").name == name


@given(name=st.text(max_size=300), role=st.sampled_from(FileRole))
def test_whatever_a_user_calls_a_file_its_key_is_safe(name: str, role: FileRole) -> None:
    key = release_key(role, "jobId_20261118-110640-007-7f3a9c", name)

    assert check_key(key) == key
    assert key.isascii()


def test_a_key_keeps_the_end_of_a_long_name_and_what_is_harmless() -> None:
    assert release_key(FileRole.IMAGE, "j", "app v1.bin") == "release/binFile_j_app_v1.bin"
    assert release_key(FileRole.IMAGE, "j", "x" * 500 + ".bin").endswith("x.bin")


@pytest.mark.parametrize("text", ["", "abc", "A" * 64, "g" * 64, "a" * 65, "a" * 63 + "\n"])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        check_digest(text)


def test_a_digest_is_taken() -> None:
    assert check_digest("0a" * 32) == "0a" * 32
