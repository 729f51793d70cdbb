// The gate of a wave: its verdict, and a person's decision.

import { $, fill, h, write } from "./element.js";
import { tell } from "./server.js";
import { attempt, say, view } from "./view.js";

const SAID = {
  approve: "The next wave may begin as soon as everything else is as required. It is for this wave, and it never makes a failed gate pass.",
  reject: "Every open job of the deployment is cancelled, without force. Later waves never begin.",
  pause: "No further wave begins until somebody continues. A gate may still fail.",
  continue: "The next wave may begin again.",
};
let act = "";

/** Show the gate of a wave's job; other jobs have none. */
export function showGate(job) {
  const gate = job.gate;
  $("gate").hidden = !gate;
  if (!gate) return;
  write("gate-verdict", gate.verdict);
  $("gate-verdict").dataset.verdict = gate.verdict;
  const words = gate.versions ? [...gate.reasons, `versions: ${gate.versions}`] : gate.reasons;
  fill($("gate-reasons"), ...words.map((reason) => h("li", {}, reason)));
  for (const name of Object.keys(SAID)) $(`gate-${name}`).disabled = !view.live;
  $("gate-approve").disabled = !view.live || !gate.question;
}

function ask(name) {
  act = name;
  write("gate-head", `${name[0].toUpperCase()}${name.slice(1)}?`);
  write("gate-what", SAID[name]);
  $("gate-comment").value = "";
  $("gate-dialog").returnValue = "no";
  $("gate-dialog").showModal();
}

async function decide() {
  if ($("gate-dialog").returnValue !== "do") return;
  await attempt(async () => {
    const answer = await tell("decide", { job: view.job, act, comment: $("gate-comment").value });
    say(answer.message);
  });
}

/** Let the gate's buttons work. */
export function wireGate() {
  for (const name of Object.keys(SAID)) $(`gate-${name}`).addEventListener("click", () => ask(name));
  $("gate-dialog").addEventListener("close", decide);
}
