"""[ROLLBACK_CONFIG]: which image brings each former version back."""

from __future__ import annotations

from typing import Annotated

from otactl.model import limits
from otactl.model.configuration.kind import (
    Choice,
    Kind,
    Switch,
    WholeNumber,
    listed_words,
    refuse_repeated,
)
from otactl.model.configuration.section import Section, key
from otactl.model.configuration.words import IMAGE_PATH, IMAGE_VERSION
from otactl.model.rollback import RollbackImage, WithoutFormerImage

_MAX_IMAGES = 99


class ImageList(Kind):
    """Versions, each with the file that brings it back."""

    type_name = "list"
    multi_line = True

    allowed = (
        f"a list of up to {_MAX_IMAGES}, separated by commas, each VERSION: FILE, or"
        " VERSION: FILE as VERSION"
    )

    def read(self, text: str) -> tuple[RollbackImage, ...]:
        """Read the list."""
        images = tuple(map(self._read_image, listed_words(text)))
        refuse_repeated([one.version for one in images], "version ")
        if not 1 <= len(images) <= _MAX_IMAGES:
            self.refuse(text, code="list")
        return images

    def _read_image(self, text: str) -> RollbackImage:
        version, _, rest = (part.strip() for part in text.partition(":"))
        path, _, offered = (part.strip() for part in rest.partition(" as "))
        if not version or not path:
            self.refuse(text, code="form", hint="write VERSION: FILE")
        for each in filter(None, (version, offered)):
            IMAGE_VERSION.read(each)
        return RollbackImage(
            version=version, path=IMAGE_PATH.read(path), offered_as=offered or version
        )


class RollbackSection(Section):
    """[ROLLBACK_CONFIG]."""

    images: Annotated[tuple[RollbackImage, ...], ImageList()] = key(
        "imageList",
        about=(
            "The image of each version that things may be rolled back to, and after `as` the"
            " version to offer it under, for bootloaders that refuse an older one. A version that"
            " is not listed is searched in the deployments of this machine, and of the queue when"
            " the file is added to one."
        ),
        becomes="the image of a rollback's jobs, and their imageVer",
        example="1.0.0: images/app-1.0.0.bin, 1.1.0: images/app-1.1.0.bin as 2.0.1",
        default=(),
    )
    without_image: Annotated[WithoutFormerImage, Choice(WithoutFormerImage)] = key(
        "withoutFormerImage",
        about=(
            "With onGateFailure = rollback: what to do if a former version has no image. refuse:"
            " nothing is deployed. stop: its things are not rolled back, only named."
        ),
        default=WithoutFormerImage.REFUSE,
    )
    keep_image: Annotated[bool, Switch()] = key(
        "keepImages",
        about=(
            "Whether the clean-up of this deployment leaves its image in the bucket, claimed, so"
            " that a later deployment can be rolled back to it. You delete it yourself."
        ),
        becomes="whether the object in S3 stays",
        example="True",
        default=False,
    )
    open_days: Annotated[int, WholeNumber(limits.OPEN_DAYS, "days")] = key(
        "openDays",
        about=(
            "How long the jobs of a rollback stay open for things that are offline. The next"
            " `otactl rollback` after that cancels what is left and names it; of a queued request,"
            " any worker of the queue cancels it."
        ),
        default=30,
    )
