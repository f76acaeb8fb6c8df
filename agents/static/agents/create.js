// The form that makes an agent: shows its files and what is wrong while one types, and adds and removes
// items of lists. Without this, buttons send the form.

import { morph } from "./morph.js";

const DELAY = 300; // ms
const NEXT = "NEXTITEM"; // of deploygen/form/fields.py

const form = document.getElementById("create");
const files = document.getElementById("files");
const note = form.querySelector("[data-note]");
let timer = 0;
let running = new AbortController();

/** Ask for the files, and which of them to show. */
async function preview(shown) {
  clearTimeout(timer);
  running.abort();
  running = new AbortController();
  const entered = new URLSearchParams(new FormData(form));
  if (shown) entered.set("shown", shown);
  try {
    const response = await fetch(form.dataset.preview, {
      method: "POST",
      body: entered,
      redirect: "manual",
      signal: running.signal,
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    if (response.headers.get("Content-Type") === "application/json") show(await response.json());
    else say("You are logged out. Send the form to sign in; it is kept.");
  } catch (error) {
    if (error.name !== "AbortError") say("The registry does not respond. The files are those of before.");
  }
}

function show({ problems, files: html }) {
  for (const list of form.querySelectorAll("[data-problems]")) {
    const texts = problems[list.dataset.problems] ?? [];
    if (texts.join("\n") === [...list.children].map((each) => each.textContent).join("\n")) continue;
    list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
    list.closest(".create-field")?.classList.toggle("errors", texts.length > 0);
  }
  const count = Object.values(problems).flat().length;
  if (html === null) {
    say(`${count === 1 ? "A value is" : `${count} values are`} wrong. The files are those of before.`);
    return;
  }
  say("");
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const shownBefore = files.querySelector("[name=shown]")?.value;
  morph(files, fresh.content);
  const text = document.getElementById("file-text");
  if (files.querySelector("[name=shown]").value !== shownBefore) text.scrollTop = 0;
}

function say(text) {
  if (note.textContent !== text) note.textContent = text;
}

function add(button) {
  const list = button.closest("[data-list]");
  const items = list.querySelector("[data-items]");
  const numbers = [...items.children].map((each) => Number(/\[(\d+)\]$/.exec(each.dataset.item)[1]));
  const number = Math.max(-1, ...numbers) + 1;
  const item = document.createElement("template");
  item.innerHTML = list.querySelector("template").innerHTML.replaceAll(NEXT, number);
  items.append(item.content);
  items.lastElementChild.querySelector("input, select, textarea").focus();
}

function remove(button) {
  const list = button.closest("[data-list]");
  button.closest("[data-item]").remove();
  list.querySelector("button[name=add]").focus();
  preview();
}

form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => preview(), DELAY);
});

form.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button?.value === "create") return;
  event.preventDefault();
  if (button?.name === "add") add(button);
  else if (button?.name === "remove") remove(button);
  else preview(button?.name === "show" ? button.value : null);
});

form.querySelector("[data-without-script]").hidden = true;
