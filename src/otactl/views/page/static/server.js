// Requests to the program, and its stream of news.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
// The program sends a heartbeat every second and a half. If three are missing, the page may be out of
// date; after a while the connection is closed, and opened anew.
const STALE_MS = 5000;
const SILENCE_MS = 15000;
const CHECK_MS = 1000;

export async function ask(path, parameters) {
  return answerOf(await fetch(`${path}?${new URLSearchParams(parameters)}`));
}

export async function tell(path, fields) {
  return answerOf(await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(fields),
  }));
}

async function answerOf(response) {
  const fields = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(fields.error || `the program answered ${response.status}`);
  return fields;
}

/**
 * Listen to the stream; without an answer, retry with growing pauses.
 *
 * Calls `board(fields)` for news; `line(state, since)` when the connection is "live", "stale" when
 * nothing was received for some seconds, "lost" (both with the time since when), "unreached" when
 * nothing ever was, "ended" because the program said so, "moved" because its address has changed, or
 * "full" because too many pages are open. `last()` is called when the program is about to end; the
 * program waits for a short time until the requests made there are answered.
 */
export function listen({ board, line, last }) {
  let pause = FIRST_PAUSE_MS;
  let heardAt = Date.now();
  let openedAt = heardAt;
  let isLive = false;
  let wasLive = false;
  let source, waiting, over;

  function alive() {
    heardAt = Date.now();
    pause = FIRST_PAUSE_MS;
    isLive = wasLive = true;
    line("live");
  }

  // Timers of a page in the background fire late, never early: by then the heartbeats were read.
  function check() {
    if (over || waiting) return;
    const quiet = Date.now() - Math.max(heardAt, openedAt);
    if (quiet > SILENCE_MS) lost();
    else if (quiet > STALE_MS && isLive) line("stale", heardAt);
  }

  async function end() {
    over = true;
    try {
      await last();
    } finally {
      source.close();
      line("ended", Date.now());
    }
  }

  async function lost() {
    const refused = source.readyState === EventSource.CLOSED;
    source.close();
    if (over) return;
    isLive = false;
    line(wasLive ? "lost" : "unreached", heardAt);
    waiting = setTimeout(open, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    // An answer that is not a stream comes from another program, or if too many pages are open.
    if (refused) await explain();
  }

  async function explain() {
    const status = await fetch("page.css").then((response) => response.status, () => 0);
    if (!waiting) return;
    if (status === 200) line("full", heardAt);
    if (status !== 404) return;
    over = true;
    clearTimeout(waiting);
    line("moved", heardAt);
  }

  // When the user comes back to the page, or to the network, retry at once.
  function hurry() {
    if (waiting && !document.hidden) open();
    check();
  }

  function open() {
    clearTimeout(waiting);
    waiting = null;
    openedAt = Date.now();
    source = new EventSource("events");
    source.addEventListener("beat", alive);
    source.addEventListener("board", (event) => { alive(); board(JSON.parse(event.data)); });
    source.addEventListener("end", end);
    source.addEventListener("error", lost);
  }

  document.addEventListener("visibilitychange", hurry);
  addEventListener("online", hurry);
  setInterval(check, CHECK_MS);
  open();
  return { hurry };
}
