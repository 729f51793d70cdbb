"""The logger of the MQTT library, for such events as a failed read from a socket.

Python writes warnings of a logger without handlers to the terminal, in the middle of a progress
bar. otactl itself reports lost connections and retries; a program that sets up logging gets the
library's warnings as ``otactl.mqtt``.
"""

from __future__ import annotations

import logging


def mqtt_logger() -> logging.Logger:
    """The logger for ``aiomqtt.Client``; by default it writes nothing to the terminal."""
    logger = logging.getLogger("otactl.mqtt")
    if not logger.handlers:
        logger.setLevel(logging.WARNING)
        logger.addHandler(logging.NullHandler())
    return logger
