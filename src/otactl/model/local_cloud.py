"""The address of a local cloud, which it reports when it is ready."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalCloudAddress:
    """Everything a client needs to use a running local cloud. All of it is on loopback.

    Attributes:
        endpoint_url: The gateway for every AWS API, ``http://127.0.0.1:PORT``.
        account_id: Twelve digits.
        access_key_id: The administrator's.
        secret_access_key: The administrator's.
        cloud_secret: Allows what only the owner may do; sent as ``X-Otactl-Cloud-Secret``.
        mqtt_host: A name in the broker's certificate.
        ca_file: PEM of the CA that signed the broker's certificate, and that of ``https_url``.
        https_url: The gateway for devices, ``https://127.0.0.1:PORT``.
        ca_bundle_file: PEM of that CA and of the system's roots.
        clock_speed: How many seconds pass in the cloud for each second here; 1 is real time.
        clock_origin_ms: Epoch milliseconds at which the cloud's clock began to differ from ours.
        pid: The process that serves it.
        state_dir: The folder of its files.
    """

    endpoint_url: str
    region: str
    account_id: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    cloud_secret: str = field(repr=False)
    mqtt_host: str
    mqtt_port: int
    ca_file: str
    clock_speed: float
    clock_origin_ms: int
    pid: int
    state_dir: str
    https_url: str = ""
    ca_bundle_file: str = ""

    def environment(self) -> dict[str, str]:
        """The variables that point any AWS tool of this shell at the local cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            # A token left over from a real session would make these keys invalid.
            "AWS_SESSION_TOKEN": "",
            "AWS_CA_BUNDLE": self.ca_bundle_file,
            "OTACTL_MQTT_HOST": self.mqtt_host,
            "OTACTL_MQTT_PORT": str(self.mqtt_port),
            "OTACTL_MQTT_CA_FILE": self.ca_file,
        }
