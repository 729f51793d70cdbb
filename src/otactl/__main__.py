"""``python -m otactl`` is ``otactl``."""

from otactl.cli.main import run

if __name__ == "__main__":
    run()
