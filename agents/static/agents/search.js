// The search in a dialog. What is typed is posted, since it may be a token, which must stand in no URL.
// The registry makes the results. Enter opens the first; arrow keys move through them.

const PAUSE_MS = 120; // after the last key
const TIMEOUT_SECONDS = 10;

const dialog = document.getElementById("search-dialog");
const form = dialog?.querySelector("form");
const field = form?.elements.text;
const place = document.getElementById("search-results");
const link = document.getElementById("search-link");

let timer = 0;
let running = null; // { text, done }
let shown = null; // the text of the results

export function openSearch() {
  if (!dialog) {
    document.getElementById("search-page-text")?.focus(); // this is the page of the search
    return;
  }
  for (const other of document.querySelectorAll("dialog[open]")) if (other !== dialog) other.close();
  if (!dialog.open) dialog.showModal();
  field.select();
  field.focus();
  if (shown !== field.value) search();
}

async function search() {
  clearTimeout(timer);
  const text = field.value;
  running?.abort.abort();
  const abort = new AbortController();
  running = { text, abort, done: fetchResults(text, abort) };
  await running.done;
}

async function fetchResults(text, abort) {
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { "X-Requested-With": "search" },
      credentials: "same-origin",
      redirect: "manual",
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(TIMEOUT_SECONDS * 1000)]),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    show(text, await response.text());
  } catch {
    if (!abort.signal.aborted) fail();
  }
}

function show(text, html) {
  const fresh = document.createElement("template");
  fresh.innerHTML = html; // from the registry, which escapes what agents send
  place.replaceChildren(fresh.content);
  place.scrollTop = 0;
  shown = text;
}

function fail() {
  shown = null;
  const note = document.createElement("p");
  note.className = "search-nothing";
  note.setAttribute("role", "alert");
  note.textContent = "The registry does not respond, or you are logged out.";
  place.replaceChildren(note);
}

const results = () => [...place.querySelectorAll("[data-result]")];

function move(step) {
  const all = results();
  const next = all.indexOf(document.activeElement) + step;
  const target = next < 0 ? field : all[Math.min(next, all.length - 1)];
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}

/** Open the first result of what the field has now. */
async function openFirst() {
  if (shown !== field.value) {
    if (running?.text === field.value) await running.done;
    else await search();
  }
  if (shown === field.value) results()[0]?.click();
}

function onKey(event) {
  if (event.isComposing) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.target === field && event.key === "Enter") {
    event.preventDefault();
    openFirst();
  } else if (event.key === "Escape") {
    // The browser would empty the field first.
    event.preventDefault();
    dialog.close();
    field.blur(); // where nothing had the focus before
  } else if (event.target !== field && event.key.length === 1 && event.key !== " ") {
    if (!event.ctrlKey && !event.metaKey && !event.altKey) field.focus(); // and type there
  }
}

if (dialog) {
  dialog.addEventListener("keydown", onKey);
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    const button = event.target.closest("[data-search-text]");
    if (!button) return;
    event.preventDefault();
    field.value = button.dataset.searchText;
    field.focus();
    search();
  });
  // Nobody who comes later is shown a token.
  dialog.addEventListener("close", () => {
    field.value = "";
    shown = null;
    place.replaceChildren();
  });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  });
  link?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openSearch();
  });
}
