// Building the document. Text from devices or AWS enters it as text, never as markup; characters that
// do not print (marks that reverse the writing direction, control characters) become U+FFFD.

export const $ = (id) => document.getElementById(id);

/** Untrusted text, made safe to show; line breaks count in `<pre>` only. */
export const clean = (text) => String(text).replace(/[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu, "\ufffd");

const shown = (children) => children
  .filter((child) => child !== null && child !== undefined)
  .map((child) => (child instanceof Node ? child : clean(child)));

/** An element: properties if it has them, else attributes; listeners by `onclick` and the like. */
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "role") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...shown(children));
  return element;
}

/** Replace the content of an element. For elements that cannot have the focus; else use `settle`. */
export function fill(element, ...children) {
  element.replaceChildren(...shown(children));
}

/** Set a text, and touch nothing when it is the same: screen readers would read it again. */
export function write(id, text) {
  const wanted = clean(text);
  if ($(id).textContent !== wanted) $(id).textContent = wanted;
}

/**
 * Make the children of an element those of a list, and keep the elements that stay: a reader who has the
 * focus on one, or opened a dialog from it, finds it again.
 *
 * Each item is `{key, build, update}`: `build` makes its element, `update` brings one up to date.
 */
export function settle(parent, items) {
  let at = parent.firstElementChild;
  const drop = () => {
    const next = at.nextElementSibling;
    at.remove();
    at = next;
  };
  const wanted = new Set(items.map(({ key }) => key));
  for (const { key, build, update = () => {} } of items) {
    while (at && !wanted.has(at.dataset.key)) drop();
    let element = at;
    if (at && at.dataset.key === key) at = at.nextElementSibling;
    else {
      element = [...parent.children].find((child) => child.dataset.key === key) || build();
      element.dataset.key = key;
      parent.insertBefore(element, at);
    }
    wanted.delete(key);
    update(element);
  }
  while (at) drop();
}

// Words.

export const ORDER = ["SUCCEEDED", "IN_PROGRESS", "QUEUED", "FAILED", "TIMED_OUT", "REJECTED", "CANCELED", "REMOVED"];
export const word = (status) => status.toLowerCase().replaceAll("_", " ");
export const statusClass = (status) => `s-${status.toLowerCase().replaceAll("_", "-")}`;
const figures = new Intl.NumberFormat("en");
export const number = (value) => figures.format(value);

export function time(value) {
  if (!value) return "";
  return new Date(value).toISOString().replace("T", " ").slice(0, 19);
}

// The program's clock may differ from the browser's: in a rehearsal it runs faster.
let ahead = 0;

/** Set the time of the program's clock. */
export function setNow(at) {
  if (at) ahead = new Date(at) - Date.now();
}

function ago(at) {
  const seconds = Math.max(0, Math.round((Date.now() + ahead - at) / 1000));
  const [size, unit] = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]].find(([each]) => seconds >= each) || [1, "s"];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** A moment, in UTC, and how long ago it was; `refreshTimes` updates that. */
export function moment(value) {
  if (!value) return null;
  const at = new Date(value).getTime();
  return h("time", { dateTime: new Date(at).toISOString() }, `${time(at)} UTC `,
    h("small", { className: "ago" }, ago(at)));
}

/** Update how long ago each moment was. */
export function refreshTimes() {
  for (const element of document.querySelectorAll("time")) {
    const text = ago(Date.parse(element.dateTime));
    const small = element.lastElementChild;
    if (small.textContent !== text) small.textContent = text;
  }
}

export function swatch(className) {
  return h("span", { className: `swatch ${className}`, ariaHidden: "true" });
}

export function statusMark(status) {
  return h("span", { className: "state" }, swatch(statusClass(status)), word(status));
}

/** A button that reads like a link: it opens something on this page. */
export function opener(text, onclick, title = "") {
  return h("button", { type: "button", className: "link", title, onclick }, text);
}
