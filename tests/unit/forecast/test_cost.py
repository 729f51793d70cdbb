"""Messages, calls and dollars, against the arithmetic of aws-facts L."""

from __future__ import annotations

from pathlib import Path

import pytest

from otactl.errors import UserMistake
from otactl.forecast.cost import (
    api_calls,
    bill,
    messages_per_download,
    messages_per_execution,
    metered,
)
from otactl.forecast.price import parse_prices, shipped_prices
from otactl.forecast.profile import Delivery
from otactl.model.status import ExecutionStatus

S = ExecutionStatus
MIB = 1024 * 1024


def test_a_mebibyte_in_small_blocks_is_512_messages_and_768_with_acknowledgements() -> None:
    # aws-facts L: 256 requests and 256 blocks; with QoS 1 a PUBACK for each block.
    assert messages_per_download(Delivery(block_bytes=4096, qos=0), MIB) == 512
    assert messages_per_download(Delivery(block_bytes=4096, qos=1), MIB) == 768


def test_large_blocks_are_metered_by_their_size() -> None:
    # aws-facts L: 8 requests and about 210 metered units.
    found = messages_per_download(Delivery(block_bytes=131_072, qos=0), MIB)
    assert found == 8 + 8 * metered(131_072)
    assert 8 + 205 <= found <= 8 + 216


def test_several_blocks_a_request_save_requests_up_to_128_kilobytes() -> None:
    blocks = Delivery(block_bytes=4096, blocks_per_request=1000, qos=0)
    assert messages_per_download(blocks, MIB) == 8 + 256


def test_base64_makes_a_four_kilobyte_block_two_messages() -> None:
    cbor = Delivery(block_bytes=4096, encoding="cbor", qos=0)
    json = Delivery(block_bytes=4096, encoding="json", qos=0)
    assert messages_per_download(json, MIB) == messages_per_download(cbor, MIB) + 256


def test_the_last_block_is_shorter() -> None:
    assert messages_per_download(Delivery(block_bytes=4096, qos=0), 4097) == 4


def test_progress_reports_cost_two_messages_each() -> None:
    few, many = (messages_per_execution(Delivery(progress_reports=n)) for n in (0, 10))
    assert many - few == 20


def test_the_facts_own_example_comes_out() -> None:
    # 100,000 devices, 1 MiB, 4096-byte blocks: 300 dollars of executions, 51 and 77 of messages.
    prices = shipped_prices()
    assert prices.job_execution.of(100_000) == pytest.approx(300)
    assert prices.mqtt_message.of(100_000 * 512) == pytest.approx(51.2)
    assert prices.mqtt_message.of(100_000 * 768) == pytest.approx(76.8)


def test_tiers_begin_where_the_one_before_ends() -> None:
    price = shipped_prices().job_execution
    assert price.of(250_000) == pytest.approx(750)
    assert price.of(1_000_000) == pytest.approx(750 + 750_000 * 0.0015)
    assert price.of(0) == 0


def test_only_what_comes_by_address_is_internet_traffic() -> None:
    prices = shipped_prices()
    how = {"executions": 1000, "messages": 1e6, "downloads": 1000, "downloaded_bytes": 1e12}
    by_stream = bill(prices, by_url=False, alarms=2, **how)
    by_url = bill(prices, by_url=True, alarms=2, **how)
    assert by_stream.items["internetTraffic"] == 0
    assert by_url.items["internetTraffic"] == pytest.approx(90)
    assert by_url.items["alarms"] == pytest.approx(0.2)
    assert by_url.total == pytest.approx(sum(by_url.items.values()))


def test_every_price_has_a_source_and_a_date() -> None:
    prices = shipped_prices()
    assert prices.read.year >= 2026
    assert all(len(getattr(prices, name).source) > 10 for name in ("job_execution", "s3_get"))


def test_a_price_file_of_one_s_own_is_read_and_checked() -> None:
    shipped = Path(__file__).parents[3] / "src" / "otactl" / "forecast" / "prices.toml"
    text = shipped.read_text("utf-8")
    own = text.replace("usd = 0.003 ", "usd = 0.5 ")
    assert parse_prices(own, file_name="p.toml").job_execution.of(1) == 0.5
    with pytest.raises(UserMistake, match="job_execution"):
        parse_prices(text.replace("usd = 0.003 ", "usd = -1 "), file_name="p.toml")
    with pytest.raises(UserMistake, match="TOML"):
        parse_prices("[", file_name="p.toml")
    # Every amount is shown as dollars.
    with pytest.raises(UserMistake, match="currency"):
        parse_prices(text.replace('"USD"', '"EUR"'), file_name="p.toml")


def test_watching_costs_a_call_a_tick_and_executions_pages_of_250() -> None:
    calls = api_calls(
        executions={S.SUCCEEDED: 9000, S.FAILED: 501, S.TIMED_OUT: 10},
        watched_seconds=3600,
        streamed=True,
        alarms=2,
    )
    assert calls["iot:DescribeJob"] == 721
    assert calls["iot:ListJobExecutionsForJob"] == 36 + 3 + 1
    assert calls["iot:DescribeJobExecution"] == 250
    assert calls["cloudwatch:PutMetricAlarm"] == 2
    assert "iot:CreateStream" not in api_calls(
        executions={}, watched_seconds=0, streamed=False, alarms=0
    )
