"""otactl deploys firmware over the air through AWS IoT.

The command line is the product; see ``otactl --help``. The package is laid out in layers that
import downwards only (docs/design.md): ``errors`` and ``model`` at the bottom, ``cli`` on top.
"""

__version__ = "0.1.0"
