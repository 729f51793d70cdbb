"""The options with which a deployment is added to the queue, checked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from otactl.errors import UserMistake


def check_series(
    split: int | None, required: float | None, max_minutes: int | None, rounds: int
) -> None:
    """Refuse what is about a series and has none.

    Raises:
        UserMistake: It is.
    """
    if required is not None and split is None:
        raise UserMistake("--required-succeeded is about the requests of --split")
    if required is not None and rounds > 1:
        raise UserMistake("--required-succeeded needs rounds = 1: each round must succeed")
    if max_minutes is not None and required is None:
        raise UserMistake("--max-minutes is about --required-succeeded")


def check_named(file: Path, key: str, named: str, given: Path | None) -> None:
    """Refuse a file on the command line that is not the one the configuration names."""
    if given is None or Path(named).resolve() == given.resolve():
        return
    raise UserMistake(
        f"{file}: {key} is {named}, but {given} was given",
        hint="they must be the same file; paths in the configuration count from its own folder",
    )


def epoch_ms(text: str) -> int:
    """A time as people write it, in epoch milliseconds; UTC when it names no offset.

    Raises:
        UserMistake: It is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UserMistake(
            f"--not-before {text} is no time", hint="write it as 2026-12-01T03:00+01:00"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
