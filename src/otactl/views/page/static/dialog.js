// One thing, the job document, and cancelling.

import { $, fill, h, moment, statusMark, write } from "./element.js";
import { ask, tell } from "./server.js";
import { attempt, say, view, NO_ANSWER } from "./view.js";

let thing = null;
let toCancel = null;

/** Open a thing, and read what it reported. */
export async function openThing(name) {
  thing = name;
  write("thing-name", name);
  fill($("thing-body"), h("p", { className: "quiet" }, "asking"));
  $("thing-cancel").disabled = true;
  if (!$("thing-dialog").open) $("thing-dialog").showModal();
  let body;
  try {
    body = thingParts(await ask("thing", { job: view.job, thing: name }));
  } catch (error) {
    body = [h("p", {}, error instanceof TypeError ? NO_ANSWER : error.message)];
  }
  if (thing === name) fill($("thing-body"), ...body);
}

function thingParts(found) {
  $("thing-cancel").disabled = !["QUEUED", "IN_PROGRESS"].includes(found.status);
  const facts = [
    ["Status", statusMark(found.status)],
    ["Attempt", String(found.executionNumber)],
    ["Queued", moment(found.queuedAt)],
    ["Started", moment(found.startedAt)],
    ["Last update", moment(found.lastUpdatedAt)],
  ].filter(([, value]) => value);
  const details = Object.entries(found.statusDetails);
  return [
    facts.length ? listed(facts) : null,
    h("h3", {}, "Status details, as the device reported them"),
    details.length ? listed(details) : h("p", { className: "quiet" }, "None."),
  ];
}

function listed(facts) {
  return h("dl", {}, ...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Show the job document and the policy; read once. */
async function openDocument() {
  if (!$("document").open || $("document-body").childElementCount) return;
  const jobId = view.job;
  await attempt(async () => {
    const job = await ask("job", { job: jobId });
    if (jobId !== view.job) return;
    fill($("document-body"),
      h("h3", {}, "Document"), h("pre", { tabIndex: 0 }, pretty(job.document) || "(empty)"),
      h("h3", {}, "Policy"), h("pre", { tabIndex: 0 }, JSON.stringify(job.policy, null, 2)),
      h("h3", {}, "Targets"), h("pre", { tabIndex: 0 }, job.targets.join("\n")),
      job.description ? h("p", { className: "quiet" }, job.description) : null);
  });
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Clear the job document when another job is selected. */
export function forgetDocument() {
  $("document").open = false;
  fill($("document-body"));
}

/** Ask before cancelling: a job, or its execution on a thing. */
export function askToCancel(name) {
  toCancel = name;
  write("cancel-head", name ? "Cancel on this thing?" : "Cancel the job?");
  write("cancel-what", name
    ? `The execution of job ${view.job} on ${name} is cancelled.`
    : `Job ${view.job} is cancelled: nothing more is rolled out, and what is queued ends. What is in progress goes on, unless it is stopped by force.`);
  write("cancel-id", view.job);
  $("cancel-force").checked = false;
  $("cancel-typed").value = "";
  $("cancel-do").disabled = true;
  $("cancel-dialog").returnValue = "no";
  $("cancel-dialog").showModal();
}

async function cancelNow() {
  if ($("cancel-dialog").returnValue !== "do") return;
  await attempt(async () => {
    const answer = await tell("cancel", { job: view.job, thing: toCancel, typed: $("cancel-typed").value, force: $("cancel-force").checked });
    say(answer.message);
  });
}

/** Let the dialogs' controls work. */
export function wireDialogs() {
  $("document").addEventListener("toggle", openDocument);
  $("cancel").addEventListener("click", () => askToCancel(null));
  $("thing-close").addEventListener("click", () => $("thing-dialog").close());
  $("thing-dialog").addEventListener("close", () => { thing = null; });
  $("thing-cancel").addEventListener("click", () => {
    const name = thing;
    $("thing-dialog").close();
    askToCancel(name);
  });
  $("cancel-typed").addEventListener("input", () => { $("cancel-do").disabled = $("cancel-typed").value !== view.job; });
  $("cancel-dialog").addEventListener("close", cancelNow);
}
