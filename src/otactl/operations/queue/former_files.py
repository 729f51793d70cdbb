"""The images of former versions that a request includes, so that a worker on any host has them.

They are found when the request is added: in ``imageList``, then among requests that the queue
deployed, then in the journals of this machine. Images of earlier requests are in the bucket
already and are only named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from otactl.deploy.eligibility import choose_things
from otactl.deploy.former_image import images_to_roll_back
from otactl.deploy.ports import ObjectStore
from otactl.deploy.store import DeploymentStore
from otactl.jobqueue.request import JobRequest
from otactl.jobqueue.state import RequestState
from otactl.jobqueue.stored_file import StoredFile
from otactl.model.arn import Arn
from otactl.model.rollback import RollbackImage
from otactl.operations.clock import CommandClock
from otactl.operations.environment import DeploymentEnvironment
from otactl.operations.load import LoadedDeployment
from otactl.operations.queue.session import QueueSession
from otactl.operations.state_directory import state_directory


@dataclass(frozen=True, slots=True)
class FormerFile:
    """One image; ``stored`` is None if it is on this machine only."""

    image: RollbackImage
    stored: StoredFile | None = None


def find_former_files(
    loaded: LoadedDeployment,
    session: QueueSession,
    bucket: str,
    notify: Callable[[str], None],
) -> tuple[FormerFile, ...]:
    """Read the versions that the things report, and find an image of each.

    Empty without ``onGateFailure = rollback``.

    Raises:
        UserMistake: A version has no image, and withoutFormerImage = refuse.
        AwsRefused: The reported versions may not be read.
    """
    configuration = loaded.configuration
    if configuration.waves is None or not configuration.waves.rolls_back:
        return ()
    environment = DeploymentEnvironment(
        clients=session.clients_in(configuration.region),
        clock=CommandClock(),
        state_dir=state_directory(None),
    )
    services = environment.services()
    choice = choose_things(
        configuration, loaded.thing_list, services, notify, excepted=loaded.excepted
    )
    names = {Arn.parse(arn).resource_name for arn in choice.thing_list.things}
    names = (names | choice.former.keys()) - loaded.excepted
    versions = {name: choice.former.get(name) for name in names}
    listed = configuration.rollback.images
    wanted = {one for one in versions.values() if one} - {one.version for one in listed}
    wanted.discard(configuration.reported_version or "")
    earlier = {
        one.image.version: one
        for one in _of_earlier_requests(wanted, session, bucket, services.objects)
    }
    journals = DeploymentStore(environment.state_dir).deployed(rehearsals=False)
    rest = {name: version for name, version in versions.items() if version not in earlier}
    found = {
        one.version: RollbackImage(
            version=one.version, path=one.firmware.path, offered_as=one.offered_as
        )
        # A worker cannot read an image that exists only where `deploy` stores its own.
        for one in images_to_roll_back(rest, configuration, journals, None)
    } | {one.version: one for one in listed}
    return (*map(FormerFile, found.values()), *earlier.values())


def _of_earlier_requests(
    versions: Collection[str], session: QueueSession, bucket: str, objects: ObjectStore
) -> Iterator[FormerFile]:
    """For each version, the image of the newest request that was deployed from this bucket."""
    missing = set(versions)
    deployed = session.table.listed(RequestState.DEPLOYED) if missing else ()
    for request in reversed([one for one in deployed if isinstance(one, JobRequest)]):
        image, version = request.image, request.image_version
        is_known = version in missing and request.bucket == bucket and image.sha256 is not None
        if is_known and objects.find(bucket, image.key) is not None:
            missing.discard(version)
            named = RollbackImage(version=version, path=image.name, offered_as=version)
            yield FormerFile(named, image)
