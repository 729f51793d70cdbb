// What the page shows: the jobs as last received, the selected one, and the notice above it.

import { $, write } from "./element.js";

const MESSAGE_MS = 10000;
export const NO_ANSWER = "otactl does not answer: has it ended?";

export const view = { jobs: new Map(), order: [], job: null, finished: false, failure: null, live: false, line: "connecting" };

let message = "";
let messageTimer;
let lineWords = "";
let notes = [];

/** The selected job. */
export const current = () => view.jobs.get(view.job);

function notice() {
  const text = [lineWords, message, ...notes].filter(Boolean).join(" · ");
  write("notice", text);
  $("notice").hidden = !text;
}

/** Show notes about the job. */
export function note(texts) {
  notes = texts;
  notice();
}

/** Show the state of the connection to the program, until it changes. */
export function noteLine(text) {
  lineWords = text;
  notice();
}

/** Show the result of an action for a while. */
export function say(text) {
  message = text;
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => { message = ""; notice(); }, MESSAGE_MS);
  notice();
}

/** Do something that calls the program, and show its error. */
export async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (error instanceof TypeError) say(lineWords ? "" : NO_ANSWER);
    else say(error.message);
  }
}
