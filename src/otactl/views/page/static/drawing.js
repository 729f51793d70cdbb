// The drawings: made by the program, parsed as XML, and put into the page unchanged.

import { $, fill } from "./element.js";
import { view } from "./view.js";

const REDRAW_MS = 2000;
const drawn = new Map();

/** Clear the drawings when another job is selected. */
export function forgetDrawings() {
  for (const [name, last] of drawn) {
    clearTimeout(last.timer);
    fill($(name));
  }
  drawn.clear();
}

/** Redraw what is out of date, but at most every `REDRAW_MS`. */
export function draw(name, version) {
  const last = drawn.get(name);
  const wait = last ? last.at + REDRAW_MS - Date.now() : 0;
  if (wait > 0) {
    clearTimeout(last.timer);
    last.timer = setTimeout(() => drawNow(name, version), wait);
  } else drawNow(name, version);
}

/** Redraw what is out of date. Returns a promise that resolves when it is drawn. */
export function drawNow(name, version) {
  const width = Math.floor($(name).clientWidth);
  const key = `${view.job} ${version} ${width}`;
  const last = drawn.get(name);
  // Without a connection nothing can be read; the old drawing stays.
  if (!width || !view.live) return;
  if (last?.key === key) return last.done;
  clearTimeout(last?.timer);
  const done = fetchDrawing(name, width, () => drawn.get(name)?.key === key);
  drawn.set(name, { key, at: Date.now(), done });
  return done;
}

function fetchDrawing(name, width, isWanted) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", `chart/${name}?${new URLSearchParams({ job: view.job, width })}`);
    request.responseType = "document";
    request.addEventListener("load", () => {
      const drawing = request.status === 200 && request.responseXML;
      if (drawing && isWanted()) fill($(name), document.importNode(drawing.documentElement, true));
    });
    request.addEventListener("loadend", resolve);
    request.send();
  });
}
