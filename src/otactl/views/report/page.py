"""The report as one HTML file: nothing is loaded, no script runs, untrusted text stays text.

It opens in a browser without a network, in a mail, and where continuous integration shows build
artefacts without running scripts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files

from otactl.model.status import ExecutionStatus
from otactl.monitor.percentile import histogram
from otactl.monitor.progress import progress_of
from otactl.operations.report_content import ReportContent, RoundContent
from otactl.views.chart.histogram_chart import histogram_chart
from otactl.views.chart.progress_chart import legend, progress_chart, status_class
from otactl.views.foreign_text import html_lines, html_text, to_json
from otactl.views.report.table import document, table, versions_section
from otactl.views.wording import (
    SHOWN_STATUSES,
    duration,
    figure,
    instant,
    percentage,
    percentile_words,
    status_word,
    things_words,
)

#: The most things listed for people; the CSV has them all.
MAX_LISTED = 2000
_CHART_WIDTH = 620
_LONGEST_FAILURE = 200
#: One failure in a million must be visible in the bar.
_LEAST_SHARE = 0.004


def to_html(content: ReportContent) -> str:
    """The report."""
    styles = "".join(
        (files(package) / name).read_text(encoding="utf-8")
        for package, name in (
            ("otactl.views.chart", "chart.css"),
            ("otactl.views.report", "report.css"),
        )
    )
    title = f"{content.job_id}: {_verdict(content)}"
    body = "".join(
        (
            _header(content),
            "<main>",
            *(f'<p class="note">{html_text(note)}</p>' for note in content.notes),
            _left_out(content),
            _waves(content),
            versions_section(content, MAX_LISTED),
            _rounds_table(content),
            *(_round(each, content) for each in content.rounds),
            _technical(content),
            "</main>",
        )
    )
    return document(html_text(title), styles, body)


def _verdict(content: ReportContent) -> str:
    if content.is_running:
        return "still running"
    return "succeeded" if content.is_success else "did not succeed"


def _header(content: ReportContent) -> str:
    mark = "running" if content.is_running else "good" if content.is_success else "bad"
    facts = [
        ("Things", f"{content.things:,}" if content.things else ""),
        (
            "Waves" if content.waves else "Rounds",
            f"{len(content.rounds)} of {content.planned_rounds}",
        ),
        ("Begun", _time(content.created_ms)),
        ("Where", _where(content)),
        ("File", content.source),
        ("Deployment", content.deployment_id or ""),
        ("Image", _image(content)),
        ("Failure", _short(content.failure)),
    ]
    return (
        f'<header><p class="verdict {mark}">{_verdict(content)}</p>'
        f"<h1>{html_text(content.job_id)}</h1>{_facts(facts)}</header>"
    )


def _short(failure: str) -> str:
    """The beginning, up to a whole name; the other names are in the tables."""
    if len(failure) <= _LONGEST_FAILURE:
        return failure
    return f"{failure[:_LONGEST_FAILURE].rpartition(', ')[0] or failure[:_LONGEST_FAILURE]}, …"


def _where(content: ReportContent) -> str:
    location = ", ".join(filter(None, (content.region, content.account)))
    return f"rehearsal on one machine ({location})" if content.is_rehearsal else location


def _image(content: ReportContent) -> str:
    size = "" if content.image_bytes is None else f"{content.image_bytes:,} bytes, "
    return f"{size}SHA-256 {content.image_sha256}" if content.image_sha256 else ""


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<dt>{html_text(name)}</dt><dd>{html_text(text)}</dd>" for name, text in facts if text
    )
    return f"<dl>{rows}</dl>"


def _left_out(content: ReportContent) -> str:
    """The listed things that got no image, and why."""
    if not content.left_out:
        return ""
    rows = [
        [one.thing_name, one.reason.value, one.version or "", one.detail]
        for one in content.left_out[:MAX_LISTED]
    ]
    more = len(content.left_out) - MAX_LISTED
    note = f"<p>and {more:,} more; the JSON has them all</p>" if more > 0 else ""
    found = table(["Thing", "Why", "Version", "Detail"], rows, "Things left out")
    count = f"{len(content.left_out):,} things of the list got no image"
    return f"<section><h2>Left out</h2><p>{count}.</p>{found}{note}</section>"


def _waves(content: ReportContent) -> str:
    """The verdict of each gate with its reasons, and what people decided."""
    if not content.waves:
        return ""
    rows = []
    for wave in content.waves:
        counts, gate = wave.counts, wave.gate
        rows.append(
            [
                wave.name,
                f"{wave.things:,}",
                *(f"{counts[name]:,}" for name in ("ended", "succeeded", "failed", "notReached")),
                gate.verdict.value if gate else "never began",
                "; ".join(gate.reasons) if gate else "",
                _time(gate.at_ms) if gate and gate.is_final else "",
            ]
        )
    heads = ["Wave", "Things", "Ended", "Succeeded", "Failed", "Not reached", "Gate", "Why", "When"]
    decided = [
        [one.act.value, one.wave, one.identity, one.host, _time(one.at_ms), one.comment]
        for one in content.decisions
    ]
    people = ["Decision", "Wave", "Who", "Host", "When", "Comment"]
    decisions = f"<h3>Decisions</h3>{table(people, decided, 'The decisions')}" if decided else ""
    return f"<section><h2>Waves</h2>{table(heads, rows, 'The waves')}{decisions}</section>"


def _rounds_table(content: ReportContent) -> str:
    if content.waves or len(content.rounds) < 2:  # noqa: PLR2004 - one round has its own section
        return ""
    seen = [
        status
        for status in SHOWN_STATUSES
        if any(each.counts.get(status) for each in content.rounds)
    ]
    heads = ["Round", "Job", *(status_word(status).capitalize() for status in seen), "Took"]
    heads += ["Download p50", "p99", "max"]
    rows = [
        [
            str(each.round),
            each.status,
            *(f"{each.counts.get(status, 0):,}" for status in seen),
            _took(each),
            *(figure(number) for number in (found.p50, found.p99, found.max)),
        ]
        for each in content.rounds
        for found in (each.download_percentiles(),)
    ]
    return f"<section><h2>Rounds</h2>{table(heads, rows, 'The rounds')}</section>"


def _took(each: RoundContent) -> str:
    return "" if each.duration_seconds is None else duration(each.duration_seconds)


def _round(each: RoundContent, content: ReportContent) -> str:
    counted = sum(each.counts.values())
    things = content.waves[each.round - 1].things if content.waves else content.things
    total = max(things, counted)
    done = each.counts.get(ExecutionStatus.SUCCEEDED, 0)
    name = html_text(content.name_of(each))
    downloads = each.downloads()
    found = each.download_percentiles()
    facts = _facts(
        [
            ("Job", each.status),
            ("Succeeded", f"{done:,} of {total:,} things, {percentage(done, total)}"),
            (
                "Not notified yet" if content.is_running else "Never notified",
                things_words(total - counted) if total > counted else "",
            ),
            ("Took", _took(each)),
            ("Download", percentile_words(found, "s")),
            ("Executions", f"{len(each.executions):,} known one by one, every attempt counted"),
        ]
    )
    progress = progress_chart(progress_of(each.executions), width=_CHART_WIDTH)
    times = histogram_chart(histogram(downloads), found, width=_CHART_WIDTH)
    return (
        f"<section><h2>{name}</h2>{_bar(each)}{legend(dict(each.counts))}{facts}"
        f"{_figures(progress, times)}"
        f"{_failures(each)}</section>"
    )


def _bar(each: RoundContent) -> str:
    """The counts as a bar: a drawing, because styles of single elements are not allowed here."""
    total = sum(each.counts.values()) or 1
    shown = [
        (status, count, max(count / total, _LEAST_SHARE))
        for status in SHOWN_STATUSES
        if (count := each.counts.get(status, 0))
    ]
    scale = 1000 / (sum(share for _, _, share in shown) or 1)
    x, parts = 0.0, []
    for status, count, share in shown:
        width = scale * share
        parts.append(
            f'<rect x="{x:.2f}" width="{width:.2f}" height="24"'
            f' class="area {status_class(status)}"><title>{count:,} {status_word(status)}'
            "</title></rect>"
        )
        x += width
    return (
        '<svg class="bar-row" viewBox="0 0 1000 24" preserveAspectRatio="none" role="img">'
        f"<title>Things by status</title>{''.join(parts)}</svg>"
    )


def _figures(progress: str, times: str) -> str:
    """The drawings; on a phone they scroll sideways, also with the keyboard."""
    drawn = (("Executions over time", progress), ("Download times", times))
    figures = "".join(
        f'<figure tabindex="0"><figcaption>{name}</figcaption>{drawing}</figure>'
        for name, drawing in drawn
    )
    return f'<div class="charts">{figures}</div>'


def _failures(each: RoundContent) -> str:
    groups = each.failure_groups()
    if not groups:
        return "<p>Every thing succeeded.</p>" if each.is_success else ""
    failed = [
        execution
        for execution in each.last_executions()
        if execution.status is not ExecutionStatus.SUCCEEDED
    ]
    more = len(failed) - MAX_LISTED
    note = f"<p>and {more:,} more; the CSV has them all</p>" if more > 0 else ""
    by_reason = [
        [f"{group.count:,}", group.status, group.reason, ", ".join(group.examples)]
        for group in groups
    ]
    by_thing = [
        [
            *(one.thing_name, one.status, str(one.execution_number)),
            *(_time(one.started_at_ms), _time(one.updated_at_ms), one.reason),
        ]
        for one in failed[:MAX_LISTED]
    ]
    heads = ["Thing", "Status", "Attempt", "Started", "Last update", "Reason"]
    return (
        f"<h3>Failures by reason</h3>"
        f"{table(['Things', 'Status', 'Reason', 'Such as'], by_reason, 'Failures by reason')}"
        f"<h3>Things that did not succeed</h3>"
        f"{table(heads, by_thing, 'Things that did not succeed')}{note}"
    )


def _technical(content: ReportContent) -> str:
    parts = []
    if content.document:
        parts.append(_folded("Job document", _pretty(content.document)))
    if content.policy:
        parts.append(_folded("Policy of the job", to_json(dict(content.policy), indent=2)))
    if content.api_calls:
        calls = "\n".join(f"{count:>7,}  {name}" for name, count in content.api_calls.items())
        parts.append(_folded(f"{sum(content.api_calls.values()):,} API calls", calls))
    made = f"<p>Made by otactl at {_time(content.made_ms)}.</p>"
    return f"<section><h2>In detail</h2>{''.join(parts)}{made}</section>"


def _folded(name: str, words: str) -> str:
    return f"<details><summary>{html_text(name)}</summary><pre>{html_lines(words)}</pre></details>"


def _pretty(document: str) -> str:
    try:
        return to_json(json.loads(document), indent=2)
    except ValueError:
        return document


def _time(at_ms: int | None) -> str:
    return instant(at_ms).replace("T", " ").replace("+00:00", " UTC")
