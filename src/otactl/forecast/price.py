"""What AWS charges for, from an editable file of dated prices.

Prices are counted as if the deployment were the account's only use in its month: a tier begins at
its first unit. Free tiers are left out.
"""

from __future__ import annotations

from datetime import date  # pydantic reads the annotation
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from otactl.errors import UserMistake
from otactl.forecast.toml_text import Strict, TomlFault, read_toml

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Tier(Strict):
    """A price up to a number of units, or for all further units."""

    usd: Dollars
    up_to: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None


class Price(Strict):
    """What one unit of something costs, the source, and when it was read."""

    unit: str
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    source: str
    read: date

    @model_validator(mode="after")
    def _tiers_rise(self) -> Price:
        ends = [tier.up_to for tier in self.tiers]
        bounds = [end for end in ends if end is not None]
        if ends[-1] is not None or None in ends[:-1] or bounds != sorted(bounds):
            raise ValueError("tiers must rise in up_to, and the last one has none")
        return self

    def of(self, units: float) -> float:
        """What N units cost, in dollars."""
        dollars, begun = 0.0, 0.0
        for tier in self.tiers:
            end = units if tier.up_to is None else min(units, tier.up_to)
            dollars += max(0.0, end - begun) * tier.usd
            begun = max(begun, end)
        return dollars


class Prices(Strict):
    """All prices of a forecast."""

    #: All amounts are shown as dollars.
    currency: Literal["USD"] = "USD"
    job_execution: Price
    mqtt_message: Price
    s3_get: Price
    s3_put: Price
    internet_gigabyte: Price
    alarm_month: Price

    @property
    def read(self) -> date:
        """When the oldest price was read."""
        return min(price.read for _, price in self if isinstance(price, Price))


def shipped_prices() -> Prices:
    """The prices that come with otactl."""
    text = resources.files("otactl.forecast").joinpath("prices.toml").read_text("utf-8")
    return parse_prices(text, file_name="prices.toml")


def parse_prices(text: str, *, file_name: str) -> Prices:
    """Read the text of a price file.

    Raises:
        UserMistake: It is not a price file.
    """
    try:
        return Prices.model_validate(read_toml(text))
    except TomlFault as error:
        raise UserMistake(f"{file_name}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserMistake(
            f"{file_name}: {where}: {first['msg']}",
            hint="copy src/otactl/forecast/prices.toml and change the numbers",
        ) from error
