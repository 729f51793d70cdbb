"""Files that otactl includes beside its code: in the wheel, or in the checkout it runs from.

The wheel has them under ``otactl/shared`` (``force-include`` in pyproject.toml).
"""

from __future__ import annotations

from pathlib import Path

import otactl
from otactl.errors import LocalResourceMissing, UserMistake

#: Folders of the checkout that ``otactl example`` lists; files of examples/ have no prefix.
_FOLDERS = ("examples", "deployment", "templates", "scripts")
_NOT_SHARED = ("__pycache__", "dev")


def _root() -> Path:
    package = Path(otactl.__file__).parent
    shared = package / "shared"
    return shared if shared.is_dir() else package.parents[1]


def shared_files() -> dict[str, Path]:
    """Every file by the name for ``otactl example``, sorted."""
    root, found = _root(), {}
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            inside = path.relative_to(root / folder)
            if path.is_file() and not set(_NOT_SHARED).intersection(inside.parts):
                name = inside if folder == "examples" else folder / inside
                found[name.as_posix()] = path
    return dict(sorted(found.items()))


def find_shared(name: str) -> list[tuple[Path, str]]:
    """The file of a name, or all files of a folder; each with the name of its copy.

    Raises:
        UserMistake: There is no such file.
    """
    files, wanted = shared_files(), name.strip("/")
    if wanted in files:
        return [(files[wanted], Path(wanted).name)]
    above = Path(wanted).parent
    found = [
        (path, str(Path(each).relative_to(above)))
        for each, path in files.items()
        if each.startswith(f"{wanted}/")
    ]
    if not found:
        raise UserMistake(f"there is no example {name}", hint="`otactl example list` lists them")
    return found


def documentation(name: str) -> str:
    """A page of the documentation.

    Raises:
        LocalResourceMissing: This installation does not include it.
    """
    try:
        return (_root() / "docs" / name).read_text("utf-8")
    except OSError as error:
        raise LocalResourceMissing(f"docs/{name} is not part of this installation") from error
