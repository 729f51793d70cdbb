"""Plans for tests that look at what becomes of one."""

from __future__ import annotations

from otactl.deploy.plan import Plan
from otactl.forecast.cost import undisturbed_cost
from otactl.forecast.price import shipped_prices
from otactl.model.job_configuration import JobConfiguration
from otactl.views.plan_summary import PlanSummary


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


def a_summary(**fields) -> PlanSummary:
    """The summary of a deployment to 100 listed things, but for what is given."""
    usual = {
        "things": 100,
        "listed": 100,
        "groups": (),
        "account": "123456789012",
        "region": "eu-central-1",
        "rounds": 1,
        "job": JobConfiguration(),
        "cost": undisturbed_cost(
            shipped_prices(), things=100, rounds=1, image_bytes=1 << 20, by_url=False, alarms=0
        ),
    }
    return PlanSummary(**(usual | fields))
