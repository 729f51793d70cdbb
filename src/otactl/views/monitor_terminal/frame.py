"""One frame of the monitor, which fits the height and the width of the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from otactl.model.outcome import ThingOutcome
from otactl.model.snapshot import JobSnapshot
from otactl.monitor.board import Board
from otactl.monitor.table_query import TablePage, TableQuery
from otactl.views.foreign_text import clean
from otactl.views.monitor_terminal.overview import overview, summary_line
from otactl.views.monitor_terminal.screen import ListState, Mode, Prompt, Screen
from otactl.views.wording import (
    STATUS_STYLES,
    clock_time,
    figure,
    followed_words,
    instant,
    status_word,
    things_words,
)

# Text in two columns continues below the second one; other text continues at the left edge.

#: A label, then at least two blanks; no label is wider.
_LABEL = re.compile(r" *\S+(?: \S+)*? {2,}")
_WIDEST_LABEL = 20
#: A line is broken after one of these if that leaves at most _RAGGED columns empty.
_PAUSES = (",", ";", ":")
_RAGGED = 24


def wrap(lines: Iterable[Text], width: int) -> list[Text]:
    """The lines, broken where they are longer than the terminal is wide."""
    return [part for line in lines for part in _parts(line, width)]


def _parts(line: Text, width: int) -> list[Text]:
    if line.cell_len <= width:
        return [line]
    label = _LABEL.match(line.plain)
    indent = label.end() if label and label.end() <= min(_WIDEST_LABEL, width // 2) else 0
    first, rest = line.divide([_break(line.plain, width, least=indent)])
    parts = [first]
    while rest.plain.strip():
        here, rest = rest.divide([_break(rest.plain, width - indent)])
        parts.append(Text(" " * indent).append_text(here))
    for part in parts:
        part.rstrip()
    return parts


def _break(text: str, width: int, least: int = 0) -> int:
    """Where a text is broken: after a comma, else after a blank, else within a word.

    Args:
        least: Blanks before this place do not count.
    """
    taken = blank = pause = 0
    for location, sign in enumerate(text):
        taken += cell_len(sign)
        if taken > width:
            if pause > max(0, width - _RAGGED):
                return pause
            return location if sign == " " and location > least else blank or max(1, location)
        if sign == " " and location >= least:
            blank = location + 1
            pause = blank if text[location - 1 : location] in _PAUSES else pause
    return len(text)


#: Lines above the list, for the filter and the column heads; and an empty one below it.
_LIST_HEAD = 3
#: The most lines of a question or a message.
_MOST_SAID = 3
_LEAST_HEIGHT = 8
#: Names of things have at least this many columns, and more if the other columns leave room.
_NAME_WIDTH = 24
_BESIDE_NAME = 52

_KEYS = {
    Mode.OVERVIEW: "t things  f failures  / search  c cancel  r look now  ? help  q quit",
    Mode.THINGS: "Enter open  f filter  / search  Esc back  c cancel job  ? help  q quit",
    Mode.THING: "r ask again  c cancel on this thing  Esc back  q quit",
    Mode.HELP: "Esc back  q quit",
}
_HELP = """\
Tab                the next job, when several are watched
t or Enter         the things, one by one
f, F               only those in one status: the next one, the one before
/                  only things with this in their name or reason
arrows, Page, End  move in the list; Home is its beginning
Enter              open a thing: its times and all it reported
c                  cancel the job; on a thing, its execution
C                  the same by force: things in the middle of an update too
a, x, p, P         of waves: approve, reject, pause, continue
r                  look now
q                  quit; the deployment goes on

Counts are executions, as AWS counts them; a thing that is tried again counts
once for each attempt. Failures and the list are things, by their last attempt.
"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, and the state of its list, which keys need."""

    lines: tuple[Text, ...]
    list_state: ListState


def draw(board: Board, screen: Screen, *, width: int, height: int) -> Frame:
    """Draw what is on the screen.

    Args:
        width: Of the terminal, in characters.
        height: Likewise, in lines.
    """
    height = max(height, _LEAST_HEIGHT)
    job_id = board.job_ids[screen.job]
    snapshot = board.snapshot(job_id)
    said = wrap([_prompt(screen, job_id)], width)[:_MOST_SAID]
    height = height - len(said) - 1
    list_state = ListState(page=max(1, height - _LIST_HEAD))
    match screen.mode:
        case Mode.OVERVIEW:
            lines = [*_others(board, screen), *wrap(overview(job_id, snapshot), width)]
        case Mode.HELP:
            lines = wrap(map(Text, _HELP.splitlines()), width)
        case Mode.THING:
            lines = wrap(_thing(board, job_id, screen.thing_name, snapshot), width)
        case Mode.THINGS:
            lines, list_state = _things(board, screen, list_state.page, width)
    shown = lines[:height]
    if len(lines) > height:
        shown[-1] = Text(f"… {len(lines) - height + 1} more lines", style="dim")
    shown += [Text()] * (height - len(shown))
    whole = (*shown, *said, _keys(board, screen))
    return Frame(tuple(_fit(line, width) for line in whole), list_state)


def _fit(line: Text, width: int) -> Text:
    fitted = line.copy()
    fitted.truncate(width, overflow="ellipsis")
    fitted.no_wrap = True
    return fitted


def _others(board: Board, screen: Screen) -> list[Text]:
    """The other jobs in one line each, when there are several."""
    if len(board.job_ids) == 1:
        return []
    lines = []
    for number, job_id in enumerate(board.job_ids):
        snapshot = board.snapshot(job_id)
        mark = "> " if number == screen.job else "  "
        said = f"{job_id} looking" if snapshot is None else summary_line(job_id, snapshot)
        lines.append(Text.assemble(mark, said))
    return [*lines, Text()]


def _things(board: Board, screen: Screen, rows: int, width: int) -> tuple[list[Text], ListState]:
    job_id = board.job_ids[screen.job]
    query = TableQuery(
        statuses=frozenset((screen.status,)) if screen.status else frozenset(),
        search=screen.search,
        offset=screen.cursor // rows * rows,
        limit=rows,
    )
    page = board.things(job_id, query)
    # Things leave a status while the job runs: the list may have become shorter.
    cursor = min(screen.cursor, max(0, page.total - 1))
    first = cursor // rows * rows
    if first != query.offset:
        page = board.things(job_id, replace(query, offset=first))
    longest = max((len(outcome.thing_name) for outcome in page.things), default=0)
    names = min(max(longest, _NAME_WIDTH), max(_NAME_WIDTH, width - _BESIDE_NAME))
    lines = [
        _list_head(job_id, screen, board.snapshot(job_id), page),
        Text(f"  {'thing':<{names}} {'status':<11} {'updated':<8} reason or step", "bold"),
    ]
    for number, outcome in enumerate(page.things, start=first):
        line = _row(outcome, names)
        if number == cursor:
            line = Text(f"> {line.plain[2:]}", style="reverse")
        lines.append(line)
    if not page.things:
        is_filtered = screen.search or screen.status
        words = "no thing is like that" if is_filtered else "no thing is known by name"
        lines.append(Text(f"  {words}", style="dim"))
    at = cursor - first
    name = page.things[at].thing_name if at < len(page.things) else ""
    return lines, ListState(things=page.total, page=rows, thing_name=name)


def _list_head(job_id: str, screen: Screen, snapshot: JobSnapshot | None, page: TablePage) -> Text:
    what = "all" if screen.status is None else status_word(screen.status)
    line = Text.assemble((f"{job_id}  ", "bold"), f"{things_words(page.total)}, {what}")
    if screen.search:
        line.append(f", with {screen.search!r}")
    if page.lacks_reasons:
        line.append(" (the oldest reasons are no longer searched)", style="dim")
    counted = 0
    if snapshot is not None and snapshot.job is not None and screen.status is not None:
        counted = snapshot.job.counts[screen.status]
    if not screen.search and counted > page.total:
        line.append(f" (AWS counts {counted:,}; the others are not listed yet)", style="dim")
    return line


def _row(outcome: ThingOutcome, names: int) -> Text:
    updated = clock_time(outcome.updated_at_ms) if outcome.updated_at_ms else ""
    return Text.assemble(
        f"  {_cut(outcome.thing_name, names):<{names}} ",
        (f"{status_word(outcome.status):<11} ", STATUS_STYLES[outcome.status]),
        (f"{updated:<8} ", "dim"),
        clean(outcome.reason or outcome.progress.words),
    )


def _cut(name: str, width: int) -> str:
    """A name without its middle, if it is too long: names often differ only at the end."""
    half = (width - 1) // 2
    return name if len(name) <= width else f"{name[: width - 1 - half]}…{name[-half:]}"


def _thing(board: Board, job_id: str, thing_name: str, snapshot: JobSnapshot | None) -> list[Text]:
    outcome = board.thing(job_id, thing_name)
    if outcome is None:
        return [Text(thing_name, style="bold"), Text("has no execution that is known")]
    status = (outcome.status.value, STATUS_STYLES[outcome.status])
    lines = [
        Text.assemble((f"{thing_name}  ", "bold"), status),
        Text(),
        _pair("execution", f"number {outcome.execution_number} of job {job_id}"),
        _pair("queued", instant(outcome.queued_at_ms) or "not known"),
        _pair("started", instant(outcome.started_at_ms) or "-"),
        _pair("last update", instant(outcome.updated_at_ms) or "not known"),
    ]
    if outcome.download_seconds is not None:
        lines.append(_pair("download", f"{figure(outcome.download_seconds)} s"))
    followed = () if snapshot is None else snapshot.followed
    lines += [
        _pair("follows", followed_words(thing))
        for thing in followed
        if thing.thing_name == thing_name
    ]
    lines += [Text(), Text("status details, as the device reported them", style="bold")]
    lines += [
        _pair(clean(key), clean(text)) for key, text in sorted(outcome.status_details.items())
    ] or [Text("none", style="dim")]
    return lines


def _pair(name: str, words: str) -> Text:
    return Text.assemble((f"  {name:<16} ", "dim"), words)


def _prompt(screen: Screen, job_id: str) -> Text:
    match screen.prompt:
        case Prompt.SEARCH:
            return Text(f"search: {screen.typed}_", style="bold")
        case Prompt.CANCEL:
            what = f"job {job_id}"
            if screen.mode is Mode.THING:
                what = f"the execution on {screen.thing_name}"
            how = "by force: also what is in progress" if screen.force else "what has not begun"
            return Text(f"Cancel {what} ({how})? Type yes: {screen.typed}_", style="bold yellow")
        case Prompt.DECIDE:
            return Text(
                f"{str(screen.act).capitalize()} the waves, with these credentials? Type yes, and"
                f" why after it: {screen.typed}_",
                style="bold yellow",
            )
    return Text(clean(screen.message), style="bold")


def _keys(board: Board, screen: Screen) -> Text:
    keys = _KEYS[screen.mode]
    if len(board.job_ids) > 1 and screen.mode is not Mode.THING:
        keys = f"Tab next job  {keys}"
    if screen.prompt is not Prompt.NONE:
        keys = "Enter done  Esc back"
    return Text(keys, style="dim")
