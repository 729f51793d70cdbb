// What the page shows: the jobs as last told, the one that is looked at, and the notice above it.

import { $, write } from "./element.js";

const TOLD_MS = 10000;
export const NOBODY = "otactl does not answer: has it ended?";

export const view = { jobs: new Map(), order: [], job: null, finished: false, failure: null, live: false, line: "connecting" };

let told = "";
let telling;
let lineWords = "";
let notes = [];

/** The job that is looked at. */
export const current = () => view.jobs.get(view.job);

function notice() {
  const text = [lineWords, told, ...notes].filter(Boolean).join(" · ");
  write("notice", text);
  $("notice").hidden = !text;
}

/** What is to be known of the job. */
export function note(texts) {
  notes = texts;
  notice();
}

/** What is to be known of the line to the program; it stays until it is another. */
export function noteLine(text) {
  lineWords = text;
  notice();
}

/** What an act came to: told for a while. */
export function say(text) {
  told = text;
  clearTimeout(telling);
  telling = setTimeout(() => { told = ""; notice(); }, TOLD_MS);
  notice();
}

/** Do something that asks the program; what goes wrong is told. */
export async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof TypeError) say(lineWords ? "" : NOBODY);
    else say(error.message);
  }
}
