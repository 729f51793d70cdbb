// The status of a job: everything above the table.

import { $, clean, fill, h, number, opener, settle, statusClass, statusMark, swatch, time, word, write, ORDER } from "./element.js";
import { note, view } from "./view.js";
import { showGate } from "./gate.js";

let announced = "";

/** Show a job; `act` opens things, filters the table, and selects another job. */
export function showJob(job, act) {
  showJobs(act.select);
  showHead(job);
  showStatus(job);
  showGate(job);
  showFailures(job, act.filter);
  showAttention(job, act.open);
  announce(job);
}

function showJobs(select) {
  $("jobs").hidden = view.order.length < 2;
  settle($("jobs"), view.order.map((jobId) => ({
    key: jobId,
    build: () => h("button", { type: "button", onclick: () => select(jobId) }, h("span", {}, jobId), " ", h("small")),
    update: (button) => {
      const job = view.jobs.get(jobId);
      button.setAttribute("aria-current", String(jobId === view.job));
      button.dataset.tone = job?.words.tone || "";
      button.lastElementChild.textContent = (job && (job.words.tab || word(statusOf(job)))) || "";
    },
  })));
}

/** The job's status, or why there is none. */
export function statusOf(job) {
  if (job.words.status) return job.words.status;
  if (!job.polledAt) return "LOOKING";
  return view.finished ? "NO_SUCH_JOB" : "WAITING_FOR_IT";
}

function showHead(job) {
  const status = statusOf(job);
  const { share = "", shareOf, tone, outcome = "" } = job.words;
  const mark = shareOf === "succeeded" ? { good: "\u2713 ", bad: "\u2717 " }[tone] : "";
  document.title = clean(`${mark || ""}${share ? `${share} ` : ""}${job.jobId}`);
  write("job-id", job.jobId);
  write("status", status.replaceAll("_", " "));
  $("status").dataset.status = status;
  // A job that is COMPLETED has ended, which need not be good.
  $("status").dataset.tone = shareOf === "succeeded" ? tone : "";
  write("outcome", outcome);
  $("outcome").dataset.tone = tone || "";
  write("round", job.rounds ? `round ${job.rounds.current} of ${job.rounds.planned}` : "");
  $("cancel").disabled = !view.live || (status !== "IN_PROGRESS" && status !== "SCHEDULED");
  note([job.note, job.comment, view.failure, job.words.deletion]);
  write("source", `Known by ${job.source || "polling"}${job.polledAt ? `; last asked at ${time(job.polledAt)} UTC` : ""}. ` +
    "Counts are executions, as AWS counts them; the table and the failures are things by their last attempt.");
}

function showStatus(job) {
  const { words, counts = {} } = job;
  const total = words.total || 0;
  $("standing-none").hidden = Boolean(words.status);
  $("standing").hidden = !words.status;
  write("share", words.share || "");
  write("share-of", words.shareOf || "");
  write("over", number(words.part || 0));
  write("total", number(words.whole || 0));
  $("eta-box").hidden = !words.etaLikely;
  write("eta", words.etaLikely || "");
  write("eta-range", words.etaRange ? `(${words.etaRange})` : "");
  $("running-box").hidden = !words.running;
  write("running", words.running || "");
  write("running-label", job.completedAt ? "in all" : "running");
  const shown = ORDER.filter((status) => counts[status]);
  const rest = total - shown.reduce((sum, status) => sum + counts[status], 0);
  const parts = shown.map((status) => [statusClass(status), counts[status], word(status)]);
  if (rest > 0) parts.push(["s-none", rest, words.unnotified]);
  $("bar").setAttribute("aria-label", parts.map(([, count, name]) => `${count} ${name}`).join(", ") || "nothing yet");
  settle($("bar"), parts.map(([className, count, name]) => ({
    key: className,
    build: () => h("span", { className }),
    update: (part) => { part.title = `${number(count)} ${name}`; part.style.flexGrow = count; },
  })));
  fill($("counts"), ...parts.map(([className, count, name]) => h("li", {}, swatch(className), `${number(count)} ${name}`)));
  showFacts(job);
}

function showFacts(job) {
  const { words } = job;
  const facts = [
    ["Pace", words.pace],
    ["Rollout", words.rollout],
    ...(words.abort || []).map((each) => ["Abort", each]),
    ["Download", words.download],
    ["Sent again", words.retries],
    ...(job.alarms || []).map((alarm) => ["Alarm", `${alarm.name}: ${word(alarm.state)}`]),
    ...((job.rounds && job.rounds.done) || []).map((round) => [
      `Round ${round.round}`,
      `${word(round.status)}, ${ORDER.filter((status) => round.counts[status])
        .map((status) => `${number(round.counts[status])} ${word(status)}`).join(", ")}`,
    ]),
  ].filter(([, text]) => text);
  fill($("facts"), ...facts.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text))));
}

function showFailures(job, filter) {
  const groups = job.failures || [];
  $("failures-none").hidden = groups.length > 0;
  $("failures").hidden = groups.length === 0;
  settle($("failure-rows"), groups.map((group) => ({
    key: `${group.status} ${group.reason}`,
    build: () => h("tr", {},
      h("td", { className: "number" }),
      h("td", {}, statusMark(group.status)),
      h("td", {}, opener(group.reason, () => filter(group.status, group.search), "Show these things"))),
    update: (row) => { row.firstElementChild.textContent = number(group.count); },
  })));
  write("failures-more", job.moreFailures ? `and ${number(job.moreFailures)} more reasons` : "");
}

function showAttention(job, open) {
  const aboutThing = (thing, text) => ({
    key: `thing ${thing}`,
    build: () => h("li", {}, opener(thing, () => open(thing)), h("span")),
    update: (item) => { item.lastElementChild.textContent = ` ${text}`; },
  });
  const about = (text) => ({ key: text, build: () => h("li", {}, text) });
  const silent = job.silent || [];
  const more = (job.silentCount || 0) - silent.length;
  const items = [
    ...(job.alarms || []).filter((alarm) => alarm.state === "ALARM").map((alarm) => about(`Alarm ${alarm.name}: ${alarm.reason}`)),
    ...silent.map((thing, index) => aboutThing(thing.thing, job.words.silent[index])),
    ...(more > 0 ? [about(`and ${number(more)} more silent things`)] : []),
    ...(job.followed || []).map((thing, index) => aboutThing(thing.thing, job.words.followed[index])),
  ];
  $("attention-none").hidden = items.length > 0;
  const seen = new Set();
  settle($("attention"), items.filter(({ key }) => !seen.has(key) && seen.add(key)));
}

function announce(job) {
  // At every tenth percent, and at every change of the status, so that it does not disturb.
  const share = parseInt(job.words.share, 10) || 0;  // "<0.1%" is no number
  const text = job.words.shareOf === "succeeded"
    ? `${job.jobId}: ${word(statusOf(job))}, ${job.words.outcome}`
    : `${job.jobId}: ${word(statusOf(job))}, ${share - (share % 10)} percent ${job.words.shareOf || "finished"}`;
  if (text === announced) return;
  announced = text;
  write("announcement", text);
}
