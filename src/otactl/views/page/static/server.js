// Talking to the program: questions, acts, and the stream of what happens.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
// The program says something every ten seconds at least; silence for longer is a dead line.
const SILENCE_MS = 25000;

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
 * Listen to the stream for as long as there is hope, less and less often when nobody answers.
 *
 * Told: `board(fields)` for news; `line(state, since)` when the line is "live", "lost" (and since
 * when), "ended" because the program said so, "moved" because its address is another one now, or
 * "full" because too many pages are open. `last()` is called when the program is about to end; it
 * waits, but not for long, until what was asked there is answered.
 */
export function listen({ board, line, last }) {
  let pause = FIRST_PAUSE_MS;
  let heardAt = Date.now();
  let source, silence, waiting, over;

  function alive() {
    heardAt = Date.now();
    pause = FIRST_PAUSE_MS;
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
    line("live");
  }

  function close() {
    clearTimeout(silence);
    source.close();
  }

  async function end() {
    over = true;
    clearTimeout(silence);
    try {
      await last();
    } finally {
      close();
      line("ended", Date.now());
    }
  }

  async function lost() {
    if (over) return close();
    const refused = source.readyState === EventSource.CLOSED;
    close();
    line("lost", heardAt);
    // An answer that is no stream comes from another program, or from one that has enough pages.
    if (refused) {
      const status = await fetch("page.css").then((response) => response.status, () => 0);
      if (status === 404) return line("moved", heardAt);
      if (status === 200) line("full", heardAt);
    }
    waiting = setTimeout(open, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }

  // Whoever comes back to the page, or to the network, need not wait for the next try.
  function hurry() {
    if (waiting && !document.hidden) open();
  }

  function open() {
    clearTimeout(waiting);
    waiting = null;
    source = new EventSource("events");
    clearTimeout(silence);
    silence = setTimeout(lost, SILENCE_MS);
    source.addEventListener("beat", alive);
    source.addEventListener("board", (event) => { alive(); board(JSON.parse(event.data)); });
    source.addEventListener("end", end);
    source.addEventListener("error", lost);
  }

  document.addEventListener("visibilitychange", hurry);
  addEventListener("online", hurry);
  open();
}
