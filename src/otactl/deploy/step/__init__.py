"""The steps of a plan: each describes what it will create, creates it, and can undo it.

``AnyStep`` is the union from which the journal reads steps; ``kind`` is their discriminator.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from otactl.deploy.step.alarm import PutAlarm
from otactl.deploy.step.base import Step, StepContext
from otactl.deploy.step.job import AwaitJob, CreateJob
from otactl.deploy.step.job_deletion import DeleteExistingJob
from otactl.deploy.step.stream import CreateStream
from otactl.deploy.step.thing_group import AddThings, CreateThingGroup
from otactl.deploy.step.upload import UploadImage, UploadJobDocument
from otactl.deploy.step.version import NoteVersions, VerifyVersions
from otactl.deploy.step.wave import AwaitGate, EndWaves, FillGroup

AnyStep = Annotated[
    DeleteExistingJob
    | UploadImage
    | UploadJobDocument
    | CreateThingGroup
    | AddThings
    | PutAlarm
    | CreateStream
    | CreateJob
    | AwaitJob
    | FillGroup
    | AwaitGate
    | EndWaves
    | NoteVersions
    | VerifyVersions,
    Field(discriminator="kind"),
]

STEP: TypeAdapter[AnyStep] = TypeAdapter(AnyStep)

__all__ = [
    "STEP",
    "AddThings",
    "AnyStep",
    "AwaitGate",
    "AwaitJob",
    "CreateJob",
    "CreateStream",
    "CreateThingGroup",
    "DeleteExistingJob",
    "EndWaves",
    "FillGroup",
    "NoteVersions",
    "PutAlarm",
    "Step",
    "StepContext",
    "UploadImage",
    "UploadJobDocument",
    "VerifyVersions",
]
