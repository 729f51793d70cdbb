"""AWS IoT on this machine for the tests of others: pytest fixtures, and what they are made of.

    pytest_plugins = ["otactl.testing.fixtures"]

in a ``conftest.py`` brings them; ``docs/local-cloud.md`` has an example.
"""

from otactl.testing.device import DeviceIdentity, registered_device

__all__ = ["DeviceIdentity", "registered_device"]
