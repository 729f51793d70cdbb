// The drawings: made by the program, parsed as XML, and put into the page as they are.

import { $, fill } from "./element.js";
import { view } from "./view.js";

const REDRAW_MS = 2000;
const drawn = new Map();

/** It is another job now: what is drawn is not its own. */
export function forgetDrawings() {
  for (const [name, last] of drawn) {
    clearTimeout(last.timer);
    fill($(name));
  }
  drawn.clear();
}

/** Draw anew what is out of date, but not more often than people can look. */
export function draw(name, version) {
  const width = Math.floor($(name).clientWidth);
  const key = `${view.job} ${version} ${width}`;
  const last = drawn.get(name) || { key: "", at: 0 };
  if (last.key === key || !width) return;
  clearTimeout(last.timer);
  const wait = last.at + REDRAW_MS - Date.now();
  if (wait > 0) {
    last.timer = setTimeout(() => draw(name, version), wait);
    return;
  }
  drawn.set(name, { key, at: Date.now() });
  const request = new XMLHttpRequest();
  request.open("GET", `chart/${name}?${new URLSearchParams({ job: view.job, width })}`);
  request.responseType = "document";
  request.addEventListener("load", () => {
    const drawing = request.status === 200 && request.responseXML;
    if (drawing && drawn.get(name)?.key === key) {
      fill($(name), document.importNode(drawing.documentElement, true));
    }
  });
  request.send();
}
