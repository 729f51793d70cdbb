"""Writes a deployment's files for tests: things, image, ``dev.ini``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT, REGION = "123456789012", "us-east-1"


@dataclass
class Deployable:
    """A ``dev.ini`` and what it needs, in a folder of its own."""

    folder: Path
    thing_names: list[str]
    bucket: str
    role_arn: str
    job_id: str
    image_bytes: int = 5000
    default: dict[str, object] = field(default_factory=dict)
    sections: str = ""

    @property
    def path(self) -> Path:
        return self.folder / "dev.ini"

    def write(self, **changes: object) -> Path:
        """Write the files; keys of [DEFAULT] are changed by ``changes``."""
        (self.folder / "image.bin").write_bytes(os.urandom(self.image_bytes))
        (self.folder / "things.txt").write_text(
            "".join(f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/{name}\n" for name in self.thing_names)
        )
        keys = (
            {
                "thingList": "things.txt",
                "binName": "image.bin",
                "roleArn": self.role_arn,
                "jobId": self.job_id,
                "rounds": 1,
                "bucket": self.bucket,
                "cleanUpCfg": True,
                "debug": False,
                "defaultDelay": 0,
                "region": REGION,
                "streamId": f"stream-{self.job_id}",
                "iotApiSleepTime": 0,
                "fileChunkSize": 8192,
                "targetSelection": "SNAPSHOT",
            }
            | self.default
            | changes
        )
        lines = "".join(f"{key} = {text}\n" for key, text in keys.items())
        self.path.write_text(f"[DEFAULT]\n{lines}\n{self.sections}")
        return self.path
