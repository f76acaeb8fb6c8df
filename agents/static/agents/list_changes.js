// A button above the open list of agents: "2 new, 1 gone: show". Rows do not move by themselves; the
// button loads the list again, and keeps ticks, focus and scrolling.

import { onChange } from "./feed.js";

const MIN_SECONDS = 1; // between two questions to the registry
const TOGETHER_SECONDS = 0.2; // for changes that come one after the other
const MOST = 100; // ids that are asked for at once
const KEPT = "list-changes";
const ENDS = new Set(["purged", "deregistered"]);
const OPERATIONS = new Set(["drained", "quarantined", "resumed"]);

const place = document.getElementById("list-changes");
const query = new URLSearchParams(location.search);
const isByLease = query.has("liveness") || query.has("condition");
const isByState = query.has("state__exact") || query.has("state") || query.has("condition");

const added = new Set();
const gone = new Set();
let unknown = new Set(); // ids to ask for
let hasMore = false;
let isBusy = false;
let timer = 0;

const boxOf = (id) =>
  document.querySelector(`#changelist-form input.action-select[value="${CSS.escape(id)}"]`);
const rows = () => [...document.querySelectorAll("#result_list tbody tr")];
const idOf = (row) => row?.dataset.agent;
const isShown = (id) => rows().some((row) => idOf(row) === id);

/** Whether an agent that is not shown may be new to the list, rather than on another page. */
function mayEnter(kind) {
  if (kind === "registered" || "isWhole" in place.dataset) return true;
  return (isByLease && kind === "recovered") || (isByState && OPERATIONS.has(kind));
}

function note({ changes, isAll, isPulse }) {
  if (isPulse) return;
  hasMore ||= !isAll;
  for (const [id, kind] of changes) {
    if (!id) continue;
    if (ENDS.has(kind)) {
      unknown.delete(id);
      added.delete(id);
      if (isShown(id)) gone.add(id);
    } else if (isShown(id) || mayEnter(kind)) unknown.add(id);
  }
  if (unknown.size > MOST) {
    unknown.clear();
    hasMore = true;
  }
  show();
  askSoon();
}

function askSoon() {
  if (!unknown.size || isBusy || timer) return;
  timer = setTimeout(ask, TOGETHER_SECONDS * 1000);
}

async function ask() {
  timer = 0;
  isBusy = true;
  const ids = [...unknown];
  unknown = new Set();
  const body = new URLSearchParams(ids.map((id) => ["id", id]));
  body.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  try {
    const response = await fetch(place.dataset.url, {
      method: "POST",
      body,
      credentials: "same-origin",
      redirect: "manual",
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const matching = new Set((await response.json()).matching);
    for (const id of ids) sort(id, matching.has(id));
  } catch {
    hasMore = true; // what has changed is not known
  }
  show();
  setTimeout(() => {
    isBusy = false;
    askSoon();
  }, MIN_SECONDS * 1000);
}

function sort(id, isMatching) {
  if (isShown(id)) gone[isMatching ? "delete" : "add"](id);
  else added[isMatching ? "add" : "delete"](id);
}

function show() {
  const parts = [];
  if (added.size) parts.push(`${added.size} new`);
  if (gone.size) parts.push(`${gone.size} gone`);
  const words = hasMore ? "Many changes" : parts.join(", ");
  let button = place.querySelector("button");
  if (!words) {
    button?.remove();
    return;
  }
  if (!button) {
    button = document.createElement("button");
    button.type = "button";
    button.className = "list-changes-button";
    button.addEventListener("click", reload);
    place.append(button);
  }
  if (button.textContent !== `${words}: show`) button.textContent = `${words}: show`;
}

function reload() {
  const ticked = [...document.querySelectorAll("input.action-select:checked")].map((box) => box.value);
  // The row that stays where it is.
  const row = rows().find((each) => each.getBoundingClientRect().top >= 0 && !gone.has(idOf(each)));
  const anchor = row && { id: idOf(row), top: row.getBoundingClientRect().top };
  const kept = { url: location.href, anchor, ticked, added: [...added] };
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(kept));
    history.scrollRestoration = "manual";
  } catch {
    // Without storage, ticks are lost.
  }
  location.reload();
}

/** After `reload`. */
function restore() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
  } catch {
    return;
  }
  if (kept?.url !== location.href) return;
  for (const id of kept.ticked) {
    const box = boxOf(id);
    if (box && !box.checked) box.click();
  }
  const fresh = rows().filter((row) => kept.added.includes(idOf(row)));
  for (const row of fresh) row.classList.add("fleet-new");
  (fresh[0] ?? rows()[0])?.querySelector("input, a")?.focus({ preventScroll: true });
  const row = rows().find((each) => idOf(each) === kept.anchor?.id);
  const align = () => row && scrollBy(0, row.getBoundingClientRect().top - kept.anchor.top);
  align();
  addEventListener("load", () => requestAnimationFrame(align)); // scripts have added to the page
  history.scrollRestoration = "auto";
}

if (place) {
  restore();
  onChange(note);
}
