"""What a worker keeps of waves is untrusted when it is read: another's waves are refused."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest
from tests.support.memory_queue import request_for
from tests.unit.deploy.test_waves import ARN, FIRMWARE, Site
from tests.unit.operations.queue.test_lost_workers import Bucket

from otactl.aws.queue_item import item_of
from otactl.aws.queue_item_reading import request_of
from otactl.aws.release_store import FileRefused
from otactl.deploy.journal import Journal
from otactl.deploy.targeting import deal_again
from otactl.deploy.wave_state import WaveState
from otactl.errors import GateWaits, UserMistake
from otactl.jobqueue.failure_policy import gate_pause_ms
from otactl.jobqueue.lease_policy import CLOCK_SKEW_MS
from otactl.jobqueue.transition import left_at_gate, taken
from otactl.model.thing_list import ThingList
from otactl.model.wave import GateStatus, Question, Verdict
from otactl.operations.queue.session import queue_time
from otactl.operations.queue.wave_file import KeptWaves, read_waves, write_kept

GROUP = "arn:aws:iot:us-east-1:123456789012:thinggroup/pumps"


def test_the_file_of_waves_comes_back_as_it_was_written() -> None:
    request, bucket = replace(request_for("a"), fence=3), Bucket()
    kept = KeptWaves(names={"canary": ("b", "a"), "rest": ("c",)}, former={"a": "1", "b": None})

    file = write_kept(request, bucket, kept)

    assert read_waves(replace(request, waves=file), bucket) == kept
    assert read_waves(request, bucket) == KeptWaves()


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b'{"names": {"canary": ["a"]}}')[:-9],
        gzip.compress(b'{"names": {"canary": "a"}}'),
        gzip.compress(b'["a"]'),
        gzip.compress(bytes(257 * 1024 * 1024), 1),
    ],
    ids=["other", "cut", "no list", "no object", "bomb"],
)
def test_a_file_that_holds_no_waves_is_refused(content: bytes) -> None:
    request, bucket = request_for("a"), Bucket()
    file = bucket.write("", f"release/wavesFile_{request.aws_job_id}_1.json.gz", content)

    with pytest.raises(FileRefused):
        read_waves(replace(request, waves=file), bucket)


def test_a_file_of_another_request_or_without_a_digest_is_refused() -> None:
    request, bucket = request_for("a"), Bucket()
    file = write_kept(request, bucket, KeptWaves(names={"rest": ("a",)}))
    for other in (replace(file, sha256=None), replace(file, key="release/wavesFile_other_1")):
        with pytest.raises(FileRefused, match="does not hold the waves"):
            read_waves(replace(request, waves=other), bucket)


def kept_by(site: Site) -> dict[str, tuple[str, ...]]:
    names = (wave.name for wave in site.plan.waves)
    return dict(zip(names, site.plan.wave_things, strict=True))


def again(site: Site, kept, things=None, groups=(), excepted=()):
    things = site.names if things is None else things
    return deal_again(
        site.configuration.waves,
        ThingList(file_name="list", things=tuple(ARN + name for name in things), groups=groups),
        kept,
        excepted=excepted,
        image_sha256=FIRMWARE.sha256,
    )


def test_waves_dealt_again_are_the_same_and_all_others_are_refused(tmp_path) -> None:
    site = Site(tmp_path)
    kept = kept_by(site)
    assert [things for _, things in again(site, kept)] == list(site.plan.wave_things)
    first, *others = kept["canary"]
    last = kept["rest"][-1]
    wrong = {
        "swapped": kept | {"canary": (*others, last), "rest": (first, *kept["rest"][:-1])},
        "one more": kept | {"rest": (*kept["rest"], "stranger")},
        "one less": kept | {"rest": kept["rest"][:-1]},
        "twice": kept | {"rest": (*kept["rest"], first)},
        "no canary": {name: things for name, things in kept.items() if name != "canary"},
        "another wave": kept | {"late": ()},
        "none": {},
    }
    for other in wrong.values():
        with pytest.raises(UserMistake, match="not those"):
            again(site, other)
    with pytest.raises(UserMistake, match="not those"):
        again(site, kept, excepted=(first,))
    site.journal.close()


def test_the_things_of_groups_are_those_that_were_kept(tmp_path) -> None:
    site = Site(tmp_path)
    kept = kept_by(site)
    # The list names a group in place of half of the things; who is in it now is not asked.
    assert again(site, kept, site.names[:15], (GROUP,)) == again(site, kept)
    with pytest.raises(UserMistake):
        again(site, kept, [*site.names[:15], "left-out"], (GROUP,))
    site.journal.close()


def test_the_state_of_another_deployment_is_refused(tmp_path) -> None:
    site = Site(tmp_path)
    assert isinstance(site.run(leaves=True)[0].failure, GateWaits)
    text = WaveState.of(site.journal, site.plan).model_dump_json()
    WaveState.model_validate_json(text).check(site.plan)
    fields = json.loads(text)
    gate = fields["gates"][0]
    wrong = [
        {"steps": {"image/2": {"state": "DONE"}}},
        {"steps": {"wave-canary/job": {"state": "DONE", "record": {"created_ms": "soon"}}}},
        {"steps": {"image": {"state": "HALF"}}},
        {"gates": [gate | {"wave": 9}]},
        {"gates": [gate | {"name": "rest"}]},
        {"gates": [gate | {"ending": "?"}]},
        {"gates": [gate | {"at_ms": -1}]},
        {"filled": {"9": "t0001"}},
        {"arms": {"9": {"why_not": ""}}},
        {"numbers": {"instant/x": -1}},
        {"numbers": {"plan": 1}},
        {"phase": "SOMEHOW"},
        {"more": 1},
    ]
    for number, change in enumerate(wrong):
        journal = Journal.create(tmp_path / f"{number}.sqlite", site.plan, now_ms=0, about={})
        with pytest.raises(ValueError, match=r".+"):
            WaveState.model_validate(fields | change).enter_into(journal, now_ms=0)
        journal.close()
    site.journal.close()


def test_a_request_left_at_a_gate_is_free_at_its_next_poll_and_no_attempt_counts() -> None:
    held = taken(request_for("a"), owner="me", now_ms=0, lease_ms=9)
    held = replace(held, attempt=3, last_error="no disk")

    gate = GateStatus(
        wave=1,
        name="canary",
        verdict=Verdict.WAIT,
        reasons=("it waits for an approval",),
        at_ms=1,
        things=2,
        question=Question.APPROVAL,
        until_ms=90_000,
    )
    assert not held.is_at_gate

    left = left_at_gate(held, at_ms=70_000, gate=gate, words=gate.words)

    assert left.is_at_gate
    assert left.lease is not None
    assert (left.lease.until_ms, left.attempt, left.last_error) == (70_000, 0, "")
    assert left.gate == "wave canary: wait: it waits for an approval"
    assert (left.gate_wave, left.gate_asks, left.gate_until_ms) == ("canary", "approval", 90_000)
    assert request_of(item_of(left)) == left
    assert (left.state, left.fence) == (held.state, held.fence)


@pytest.mark.parametrize(
    ("visit_ms", "is_filling", "pause_ms"),
    [(100, False, 30_000), (60_000, False, 240_000), (60_000, True, 5_000)],
)
def test_polls_of_a_gate_take_a_fifth_of_a_worker_at_most(visit_ms, is_filling, pause_ms) -> None:
    assert gate_pause_ms(visit_ms=visit_ms, poll_ms=5_000, is_filling=is_filling) == pause_ms


def test_a_host_whose_clock_is_wrong_goes_by_aws_s() -> None:
    aws: list[int | None] = [None]
    now_ms = queue_time(lambda: 3_600_000, lambda: aws[0])
    assert now_ms() == 3_600_000
    aws[0] = 3_600_000 - CLOCK_SKEW_MS
    assert now_ms() == 3_600_000
    aws[0] = 1
    assert now_ms() == 1
