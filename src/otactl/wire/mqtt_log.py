"""Where the MQTT library below reports, such as a socket that it failed to receive on.

Python writes warnings of a logger without handlers to the terminal, in the middle of a progress
bar. otactl reports in its own words what is lost and retried; a program that sets up logging
reads the library's too, as ``otactl.mqtt``.
"""

from __future__ import annotations

import logging


def mqtt_logger() -> logging.Logger:
    """The logger for ``aiomqtt.Client``; nothing of it reaches a terminal by itself."""
    logger = logging.getLogger("otactl.mqtt")
    if not logger.handlers:
        logger.setLevel(logging.WARNING)
        logger.addHandler(logging.NullHandler())
    return logger
