// The table of things: filtered, sorted and paged by the program, which has them all.

import { $, clean, h, moment, number, settle, statusMark, word, write, ORDER, opener } from "./element.js";
import { remember } from "./address.js";
import { ask, tell } from "./server.js";
import { attempt, current, view } from "./view.js";

const PAGE_SIZE = 50;
const MOST_PAGES = 200000;
const SORTS = ["thing", "status", "updated"];
// News come twice a second; a table that changes as often cannot be read.
const REFRESH_MS = 2000;

const table = { sort: "thing", descending: false, offset: 0, total: 0, asked: 0, flying: 0, askedAt: 0 };
let openThing = () => {};

/**
 * Clear the table when another job is selected, and begin at its first page, or where the address
 * says: `{status, search, sort, order, page}`.
 */
export function resetTable(at = {}) {
  const page = Math.min(parseInt(at.page, 10) || 1, MOST_PAGES);
  table.offset = Math.max(0, page - 1) * PAGE_SIZE;
  table.total = 0;
  table.lacksReasons = false;
  if (SORTS.includes(at.sort)) table.sort = at.sort;
  if (at.order) table.descending = at.order === "descending";
  if (at.search) $("search").value = at.search.slice(0, $("search").maxLength);
  if (ORDER.includes(at.status)) $("filter-status").value = at.status;
  showRows([]);
  const status = $("filter-status").value;
  if (status) attempt(() => tell("want", { job: view.job, status }));
}

function query() {
  return {
    job: view.job, status: $("filter-status").value, search: $("search").value.trim(),
    sort: table.sort, descending: table.descending,
  };
}

/** Keep the state of the table in the address and in the links. */
function keepPlace() {
  const { job, status, search, sort } = query();
  remember({
    job: view.order.length > 1 && job, status, search, sort: sort !== SORTS[0] && sort,
    order: table.descending && "descending", page: table.offset && 1 + table.offset / PAGE_SIZE,
  });
  $("export").href = `things.csv?${new URLSearchParams(query())}`;
  $("report").href = `report.html?${new URLSearchParams({ job })}`;
}

/** Read the table at once after the user changed it; answers to earlier requests are ignored. */
export async function changeTable() {
  clearTimeout(table.timer);
  table.timer = null;
  table.askedAt = Date.now();
  table.flying += 1;
  keepPlace();
  const mine = ++table.asked;
  await attempt(async () => {
    const page = await ask("things", { ...query(), offset: table.offset, limit: PAGE_SIZE });
    if (mine !== table.asked) return;
    table.total = page.total;
    table.lacksReasons = page.lacksReasons;
    if (table.offset && table.offset >= page.total) {
      table.offset = Math.max(0, Math.floor((page.total - 1) / PAGE_SIZE) * PAGE_SIZE);
      await changeTable();
      return;
    }
    showRows(page.things);
  });
  table.flying -= 1;
}

/** Read the table again soon, with one request at a time, however slow the answers are. */
export function refreshTable() {
  if (table.timer) return;
  table.timer = setTimeout(() => {
    table.timer = null;
    // Without a connection nothing can be read.
    if (!view.live) return;
    if (table.flying) refreshTable();
    else changeTable();
  }, Math.max(REFRESH_MS / 20, table.askedAt + REFRESH_MS - Date.now()));
}

function showRows(things) {
  const rows = things.map((thing) => ({
    key: thing.thing,
    build: () => h("tr", {},
      h("th", { scope: "row" }, opener(thing.thing, () => openThing(thing.thing))),
      h("td"), h("td", { className: "attempt" }), h("td", { className: "state updated" }), h("td")),
    update: (row) => {
      const text = JSON.stringify(thing);
      if (row.shown === text) return;
      row.shown = text;
      const [, status, attempt, updated, reason] = row.children;
      status.replaceChildren(statusMark(thing.status));
      attempt.textContent = thing.executionNumber;
      updated.replaceChildren(moment(thing.lastUpdatedAt) || "");
      reason.textContent = clean(doing(thing));
    },
  }));
  settle($("rows"), rows);
  $("nothing").hidden = things.length > 0;
  write("nothing", isFiltered() ? "No thing is like that." : "No thing is known one by one yet.");
  showPlace(things.length);
}

function isFiltered() {
  return Boolean($("filter-status").value || $("search").value.trim());
}

function showPlace(shown) {
  const of = isFiltered() ? 0 : (current()?.words.things || 0);
  write("found", `${number(table.total)} things${of > table.total ? ` listed of ${number(of)}` : ""}`
    + (table.lacksReasons ? "; the oldest reasons are no longer searched" : ""));
  const first = shown ? table.offset + 1 : 0;
  write("page", `${number(first)} to ${number(table.offset + shown)} of ${number(table.total)}`);
  $("earlier").disabled = table.offset === 0;
  $("later").disabled = table.offset + PAGE_SIZE >= table.total;
  for (const head of document.querySelectorAll("th[data-sort]")) {
    if (head.dataset.sort !== table.sort) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", table.descending ? "descending" : "ascending");
  }
}

function doing(thing) {
  if (thing.reason) return thing.reason;
  const { step, receivedBlocks, totalBlocks } = thing;
  if (!step || thing.status === "SUCCEEDED") return "";
  if (thing.status !== "IN_PROGRESS") return `last seen ${step}`;
  return totalBlocks ? `${step}, block ${receivedBlocks} of ${totalBlocks}` : step;
}

/** Show the things of a status whose name or reason has this in it. */
export function filterBy(status, search) {
  $("search").value = search;
  $("filter-status").value = status;
  wantStatus();
  $("things").focus();
}

/** After a change of the status filter, make the program list the things in that status. */
async function wantStatus() {
  const status = $("filter-status").value;
  if (status) await attempt(() => tell("want", { job: view.job, status }));
  await changeFilter();
}

async function changeFilter() {
  table.offset = 0;
  await changeTable();
}

/** Let the table's controls work; `open` opens a thing. */
export function wireTable(open) {
  openThing = open;
  let typing;
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(changeFilter, 200);
  });
  $("filter").addEventListener("submit", (event) => { event.preventDefault(); changeFilter(); });
  $("filter-status").append(...ORDER.map((status) => h("option", { value: status }, word(status))));
  $("filter-status").addEventListener("change", wantStatus);
  for (const button of document.querySelectorAll("th[data-sort] button")) {
    button.addEventListener("click", () => {
      const by = button.parentElement.dataset.sort;
      table.descending = table.sort === by ? !table.descending : false;
      table.sort = by;
      changeFilter();
    });
  }
  const turn = (by) => { table.offset = Math.max(0, table.offset + by); changeTable(); };
  $("earlier").addEventListener("click", () => turn(-PAGE_SIZE));
  $("later").addEventListener("click", () => turn(PAGE_SIZE));
}
