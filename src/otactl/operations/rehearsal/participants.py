"""The participants of a rehearsal: the things of the list, or N generated ones.

Thing groups of the list get some things of their own, because an empty group is refused, as in AWS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from pathlib import Path

from otactl.device.behaviour import Behaviour, deal_behaviours, parse_behave
from otactl.errors import UserMistake
from otactl.fleet.running_image import FactoryImage, deal_factory_images
from otactl.model.arn import Arn, partition_of, thing_arn
from otactl.model.configuration import DeploymentConfiguration
from otactl.model.document_format import DocumentFormat
from otactl.model.thing_list import ThingList
from otactl.model.wave import Waves
from otactl.rules.waves.membership import divide

#: Things of a rehearsal with ``--things N``: ``rehearsal-00001`` and so on.
_NAME = "rehearsal-{number:05}"
#: The version that things report before the deployment, unless another one is requested.
FACTORY_VERSION = "factory"
#: The partition of the local cloud's ARNs.
_LOCAL_PARTITION = "aws"


@dataclass(frozen=True, slots=True, kw_only=True)
class DealWaves:
    """Deals the things of a rehearsal to waves, as the deployment's plan will.

    Attributes:
        excepted: Things that are in no wave.
        image_sha256: The seed if the file names none.
    """

    waves: Waves
    excepted: frozenset[str]
    image_sha256: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups in the sizes of waves."""
        arns = (arn for wave in self.waves.waves for arn in wave.size.groups)
        return tuple(dict.fromkeys(Arn.parse(arn).resource_name for arn in arns))

    def deal(
        self, things: list[str], groups: Mapping[str, tuple[str, ...]]
    ) -> dict[str, list[str]]:
        """The things of each wave; things in no wave have the key ``""``."""
        dealt = divide(
            [name for name in things if name not in self.excepted],
            [wave.size for wave in self.waves.waves],
            seed=self.waves.seed or self.image_sha256,
            members={
                arn: groups[Arn.parse(arn).resource_name]
                for wave in self.waves.waves
                for arn in wave.size.groups
            },
        )
        names = {
            wave.name: list(found) for wave, found in zip(self.waves.waves, dealt, strict=True)
        }
        return names | {"": [name for name in things if name in self.excepted]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """The things of a rehearsal and what each of them does.

    Attributes:
        groups: The groups to create, and the things in each.
        behaviours: By thing name; every thing of the rehearsal has one.
        factories: The image that each thing runs before the deployment.
    """

    groups: Mapping[str, tuple[str, ...]]
    behaviours: Mapping[str, Behaviour]
    factories: Mapping[str, FactoryImage]

    @property
    def things(self) -> tuple[str, ...]:
        """All thing names."""
        return tuple(self.behaviours)

    def dialects(self, formats: Sequence[DocumentFormat]) -> dict[str, DocumentFormat]:
        """The format of job documents that each thing reads: of two formats, half the things each.

        Empty for one format: a device then reads any format, also a custom document.
        """
        if len(formats) < 2:  # noqa: PLR2004
            return {}
        return dict(zip(sorted(self.behaviours), cycle(formats), strict=False))

    def count(self, behaviour: Behaviour) -> int:
        """The number of things with a behaviour."""
        return sum(1 for dealt in self.behaviours.values() if dealt is behaviour)


def check_partition(configuration: DeploymentConfiguration) -> None:
    """Refuse other partitions: the ARNs of the local cloud are all of the partition aws.

    Raises:
        UserMistake: The deployment's region is of another partition.
    """
    partition = partition_of(configuration.region)
    if partition != _LOCAL_PARTITION:
        raise UserMistake(
            f"{configuration.file_name}: {configuration.region} is of the partition {partition};"
            f" a rehearsal supports {_LOCAL_PARTITION} only",
            hint="rehearse a copy with region = us-east-1 and ARNs that begin with"
            f" arn:{_LOCAL_PARTITION}:; deploy, plan and iam take the file as it is",
        )


def usual_versions(configuration: DeploymentConfiguration) -> str:
    """The default of ``--former-versions``: versions that the file is for, if it names them."""
    if images := configuration.rollback.images:
        return ",".join(image.version for image in images)
    eligibility = configuration.eligibility
    ranges = eligibility.rule.from_versions if eligibility else ()
    return next((each.lowest or each.highest for each in ranges), FACTORY_VERSION)


def generated_list(count: int, configuration: DeploymentConfiguration) -> ThingList:
    """The thing list of ``--things N``."""
    return ThingList(
        file_name=f"--things {count}",
        things=tuple(
            str(thing_arn(configuration.region, configuration.account, _NAME.format(number=number)))
            for number in range(1, count + 1)
        ),
    )


def choose_participants(
    thing_list: ThingList,
    *,
    behave: str,
    seed: int,
    things_per_group: int,
    former_versions: str,
    former_images: Mapping[str, Path] | None = None,
    waves: DealWaves | None = None,
) -> Participants:
    """Choose the things of a rehearsal and the behaviour of each.

    Args:
        thing_list: The targets of the deployment.
        behave: As in ``--behave``: ``fail=10,silent=2``, of a wave ``canary:fail=20``.
        seed: Deals the behaviours.
        things_per_group: Number of things created in each group.
        former_versions: What the things run before, as in ``--former-versions``.
        former_images: Image files by version, where they exist.
        waves: Deals all things, and those of each group, to waves; None without waves.

    Raises:
        UserMistake: ``behave`` or ``former_versions`` cannot be read.
    """
    names = [Arn.parse(arn).resource_name for arn in thing_list.things]
    groups = {
        Arn.parse(arn).resource_name: tuple(
            f"{Arn.parse(arn).resource_name}-{number}" for number in range(1, things_per_group + 1)
        )
        for arn in thing_list.groups
    }
    members = [name for things in groups.values() for name in things]
    all_names = list(dict.fromkeys([*names, *members]))
    by_wave = {"": all_names}
    if waves is not None:
        # A group that only a wave names has some of the listed things.
        for group in waves.groups:
            groups.setdefault(group, tuple(all_names[:things_per_group]))
        by_wave = waves.deal(all_names, groups)
    shares = _shares_by_wave(behave, list(by_wave))
    dealt = {
        name: behaviour
        for wave, things in by_wave.items()
        for name, behaviour in deal_behaviours(things, shares[wave], seed).items()
    }
    try:
        factories = deal_factory_images(all_names, former_versions, seed, former_images)
    except ValueError as error:
        raise UserMistake(f"--former-versions {former_versions}: {error}") from error
    return Participants(
        groups=groups,
        behaviours={name: dealt[name] for name in all_names},
        factories=factories,
    )


def _shares_by_wave(behave: str, waves: list[str]) -> dict[str, dict[Behaviour, Decimal]]:
    """The shares of each wave: its own if ``behave`` names it, else those without a wave."""
    parts: dict[str, list[str]] = {}
    for part in behave.split(","):
        wave, colon, share = part.rpartition(":")
        if colon and wave.strip() not in waves:
            raise UserMistake(
                f"--behave {behave}: there is no wave {wave.strip()}",
                hint=f"the waves: {', '.join(filter(None, waves)) or 'none'}",
            )
        parts.setdefault(wave.strip(), []).append(share)
    shares = {}
    for wave in waves:
        own = ",".join(parts.get(wave) or parts.get("", []))
        try:
            shares[wave] = parse_behave(own)
        except ValueError as error:
            raise UserMistake(
                f"--behave {own}: {error}",
                hint=f"behaviours: {', '.join(Behaviour)}; numbers are percent of the things",
            ) from error
    return shares
