"""The AWS IoT Device SDK's own connection to the local cloud, by mutual TLS."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from awsiot import mqtt_connection_builder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from awscrt import mqtt
    from tests.conftest import DeviceIdentity

    from otactl.cloud import RunningCloud

SECONDS = 20


@contextlib.contextmanager
def sdk_connection(cloud: RunningCloud, thing: DeviceIdentity) -> Iterator[mqtt.Connection]:
    """Connected under the thing's name while the block runs."""
    connection = mqtt_connection_builder.mtls_from_path(
        endpoint=cloud.address.mqtt_host,
        port=cloud.address.mqtt_port,
        cert_filepath=thing.certificate_file,
        pri_key_filepath=thing.private_key_file,
        ca_filepath=cloud.address.ca_file,
        client_id=thing.thing_name,
        clean_session=True,
        keep_alive_secs=30,
    )
    connection.connect().result(SECONDS)
    yield connection
    connection.disconnect().result(SECONDS)
