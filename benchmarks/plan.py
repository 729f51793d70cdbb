"""How long ``otactl plan`` takes on a hundred thousand targets, and how much memory.

    python benchmarks/plan.py

Starts a local cloud, writes a thing list of 100,000 ARNs and runs the program as a user does.
Prints seconds and peak memory beside those of a list of three, so that what is the program's own
start-up can be told from what the list costs.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from otactl.aws.clients import AwsClients, AwsSettings
from otactl.aws.prerequisites import make_bucket
from otactl.cloud import CloudSettings, start_local_cloud

ACCOUNT, REGION, BUCKET = "123456789012", "us-east-1", "benchmark-plan"
COUNTS = (3, 100_000)


def write_deployment(folder: Path, things: int) -> Path:
    """A deployment of a small image to so many things."""
    (folder / "image.bin").write_bytes(os.urandom(65536))
    base = f"arn:aws:iot:{REGION}:{ACCOUNT}:thing/thing-"
    (folder / "things.txt").write_text("".join(f"{base}{n:07}\n" for n in range(things)))
    path = folder / "dev.ini"
    path.write_text(
        f"""[DEFAULT]
thingList = things.txt
binName = image.bin
roleArn = arn:aws:iam::{ACCOUNT}:role/stream
jobId = benchmark
rounds = 1
bucket = {BUCKET}
cleanUpCfg = True
debug = False
defaultDelay = 0
region = {REGION}
streamId = benchmark
iotApiSleepTime = 50
fileChunkSize = 8192
targetSelection = SNAPSHOT
"""
    )
    return path


def run_plan(path: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak MiB of one ``otactl plan``."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "otactl", "plan", str(path), "--output", "json"],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    seconds = time.perf_counter() - begun
    # The largest child so far: the counts go up, so it is this one or, rarely, the cloud.
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    with start_local_cloud(CloudSettings(account_id=ACCOUNT, region=REGION)) as cloud:
        make_bucket(AwsClients(AwsSettings.for_local_cloud(cloud.address)), BUCKET, REGION)
        for count in COUNTS:
            with tempfile.TemporaryDirectory() as folder:
                path = write_deployment(Path(folder), count)
                seconds, mebibytes = run_plan(path, cloud.address.environment())
            print(f"{count:>8,} things: {seconds:5.1f} s, {mebibytes:4.0f} MiB at the peak")


if __name__ == "__main__":
    main()
