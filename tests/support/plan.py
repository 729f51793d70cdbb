"""Plans for tests that look at what becomes of one."""

from __future__ import annotations

from otactl.deploy.plan import Plan


def a_plan_with(**fields) -> Plan:
    """A plan that does nothing, but for what is given."""
    nothing = {
        "source": "dev.ini",
        "region": "eu-central-1",
        "account": "123456789012",
        "job_id": "job",
        "image_sha256": "ab" * 32,
        "targets_sha256": "cd" * 32,
        "things": 1,
        "setup": (),
        "rounds": (),
        "clean_up": True,
        "delay_seconds": 0,
    }
    return Plan(**(nothing | fields))
