"""A local AWS IoT for the tests of other projects: pytest fixtures and their parts.

    pytest_plugins = ["otactl.testing.fixtures"]

in a ``conftest.py`` enables them; ``docs/local-cloud.md`` has an example.
"""

from otactl.testing.device import DeviceIdentity, registered_device

__all__ = ["DeviceIdentity", "registered_device"]
