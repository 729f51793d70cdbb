// The live page: passes news to the parts that show it, and a user's actions to the parts that act.

import { $, refreshTimes, setNow, time, write } from "./element.js";
import { onAddress, remembered } from "./address.js";
import { listen, tell } from "./server.js";
import { attempt, current, noteLine, view } from "./view.js";
import { showJob } from "./board.js";
import { draw, drawNow, forgetDrawings } from "./drawing.js";
import { changeTable, filterBy, refreshTable, resetTable, wireTable } from "./table.js";
import { forgetDocument, openThing, wireDialogs } from "./dialog.js";
import { wireGate } from "./gate.js";

const clock = (at) => `${time(at).slice(11)} UTC`;
const LINES = {
  live: () => ["live", ""],
  stale: (since) => [`no word since ${clock(since)}`, ""],
  lost: (since) => [`disconnected since ${clock(since)}, trying again`,
    Date.now() - since > 5000 ? "otactl does not answer: has it ended?" : ""],
  unreached: () => ["no answer yet, trying again", "otactl does not answer. A browser opens six connections "
    + "to one address at most: close other pages of it, if there are any."],
  full: () => ["too many pages are open", "Too many pages of this watch are open: close one."],
  moved: () => ["ended", "This address is no longer served: otactl was started anew and printed another."],
  ended: (since) => ["ended", `otactl monitor has ended; this is how it stood at ${time(since)} UTC.`],
};

function line(state, since) {
  const [words, notice] = LINES[state](since);
  view.live = state === "live";
  view.line = words;
  $("live").dataset.line = state;
  showState();
  $("look").disabled = !view.live || view.finished;
  $("again").hidden = !["lost", "unreached", "full"].includes(state);
  if (!view.live) $("cancel").disabled = true;
  noteLine(notice);
}

/** Show the state of the connection to the program, and of the program's connection to AWS. */
function showState() {
  const job = current();
  const stale = view.live && !view.finished && job?.isStale;
  write("live", stale ? `AWS has not answered since ${clock(job.polledAt)}`
    : view.live && view.finished ? "nothing more will come" : view.line);
  $("live").dataset.state = stale ? "stale" : $("live").dataset.line;
}

function board(news) {
  for (const job of news.jobs) view.jobs.set(job.jobId, job);
  Object.assign(view, { order: news.order, version: news.version, finished: news.finished, failure: news.failure });
  line("live");
  if (!view.job) go(remembered());
  else show();
}

/** Show what an address selects. */
function go(at) {
  select(view.order.includes(at.job) ? at.job : view.job || view.order[0], at);
}

function select(jobId, at = {}) {
  view.job = jobId;
  forgetDrawings();
  forgetDocument();
  resetTable(at);
  show();
  changeTable();
}

function show() {
  const job = current();
  if (!job) return;
  setNow(job.at);
  showJob(job, { select, open: openThing, filter: filterBy });
  showState();
  // Of a page in the background only the title is visible.
  if (document.hidden) return;
  drawAll();
  refreshTable();
}

function drawAll() {
  const job = current();
  if (!job) return;
  draw("progress", job.at);
  draw("downloads", job.at);
}

/** Read everything once more before the program ends, because the page keeps it. */
async function last() {
  const job = current();
  if (!job) return;
  await Promise.all([drawNow("progress", job.at), drawNow("downloads", job.at), changeTable()]);
}

$("look").addEventListener("click", () => attempt(() => tell("look", { job: view.job })));
wireTable(openThing);
wireDialogs();
wireGate();
new ResizeObserver(drawAll).observe(document.querySelector("main"));
document.addEventListener("visibilitychange", show);
onAddress((at) => view.job && go(at));
setInterval(refreshTimes, 1000);
const { hurry } = listen({ board, line, last });
$("again").addEventListener("click", hurry);
