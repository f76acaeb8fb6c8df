// Keyboard shortcuts: <dialog id="keys-dialog"> lists them. Those of a single key do nothing while
// somebody types, and can be turned off (WCAG 2.1.4).

import { openSearch } from "./search.js";

const STORED = "registry-keys";
const TYPED = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=submit], [type=button])";

const dialog = document.getElementById("keys-dialog");
const box = document.getElementById("keys-on");
const button = document.getElementById("keys-button");

let areOn = true;
try {
  areOn = localStorage.getItem(STORED) !== "off";
} catch {
  // Without storage, the choice is that of this page.
}

function turn(on) {
  areOn = on;
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // As above.
  }
}

// --- Lists ---------------------------------------------------------------------------------------

const rows = () => [...document.querySelectorAll("#result_list tbody tr")];
const boxOf = (row) => row?.querySelector("input.action-select");
let current = null;

function currentRow() {
  const focused = document.activeElement?.closest("#result_list tbody tr");
  return focused ?? (current?.isConnected ? current : null);
}

function move(step) {
  const all = rows();
  const place = all.indexOf(currentRow());
  const row = all[place < 0 ? (step > 0 ? 0 : all.length - 1) : place + step];
  if (!row) return false;
  current = row;
  const target = row.querySelector("th a[href]") ?? row.querySelector("a[href], input");
  target?.focus();
  row.scrollIntoView({ block: "nearest" });
  return true;
}

function tick() {
  const found = boxOf(currentRow());
  found?.click();
  return Boolean(found);
}

/** Post the ticked agents, or that of the row, to the page that asks for confirmation. */
function drain() {
  const form = document.getElementById("changelist-form");
  const choice = form?.querySelector('button[name="action"][value="drain"]');
  if (!choice) return false;
  if (!form.querySelector("input.action-select:checked") && !tick()) return false;
  form.requestSubmit(choice);
  return true;
}

// --- Dialogs -------------------------------------------------------------------------------------

function help() {
  box.checked = areOn;
  dialog.showModal();
  return true;
}

/** Close an open menu that has the focus, or else the last one. */
function closeMenu() {
  const open = [...document.querySelectorAll("details.fleet-keep[open], details[data-menu][open]")];
  const menu = open.find((each) => each.contains(document.activeElement)) ?? open.at(-1);
  if (!menu) return false;
  menu.open = false;
  menu.querySelector("summary").focus();
  return true;
}

const KEYS = {
  "/": () => openSearch() ?? true,
  "?": help,
  j: () => move(1),
  k: () => move(-1),
  x: tick,
  d: drain,
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.defaultPrevented) return;
  const isSearch = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
  if (isSearch && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openSearch();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (closeMenu()) event.preventDefault();
    return;
  }
  if (event.target.closest(TYPED) || !Object.hasOwn(KEYS, event.key) || !areOn) return;
  if (KEYS[event.key]()) event.preventDefault();
});

if (dialog) {
  button.hidden = false;
  button.addEventListener("click", help);
  box.addEventListener("change", () => turn(box.checked));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
