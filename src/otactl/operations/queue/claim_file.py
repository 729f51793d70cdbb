"""The file that a fetched request leaves beside its ``dev.ini``: which request, claimed by whom.

``fetch_job_schedule.py`` takes a request and ends; ``jobs_scheduler.py`` comes later, in another
process, and deploys. Between the two, this file is what holds the claim.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from otactl.errors import LocalResourceMissing, UserMistake
from otactl.operations.text_file import read_text, write_atomically

CLAIM_NAME = ".otactl-request.json"
_MAX_LENGTH = 64 * 1024


class ClaimFile(BaseModel):
    """A claim, written down.

    Attributes:
        order_key: Of the request; empty when there was none to fetch.
        is_over: Whether nothing is left to do.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str
    region: str | None
    profile: str | None
    endpoint_url: str | None
    order_key: str = ""
    job_id: str = ""
    owner: str = ""
    fence: int = 0
    lease_ms: int = 0
    is_over: bool = False


def write_claim(folder: Path, claim: ClaimFile) -> None:
    """Write the claim into a folder, in place of an earlier one."""
    write_atomically(folder / CLAIM_NAME, claim.model_dump_json(indent=2) + "\n")


def read_claim(folder: Path) -> ClaimFile:
    """The claim in a folder.

    Raises:
        UserMistake: There is none, or it is damaged.
    """
    path = folder / CLAIM_NAME
    try:
        return ClaimFile.model_validate_json(read_text(path, limit=_MAX_LENGTH))
    except LocalResourceMissing as error:
        raise UserMistake(
            f"{folder} holds no fetched request: {path}: {error}",
            hint="`otactl queue fetch --claim` fetches one",
        ) from error
    except ValidationError as error:
        raise UserMistake(f"{path} is damaged: {error}") from error
