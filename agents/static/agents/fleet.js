// The list of agents: what is left of each lease moves each second, from durations that the registry
// gave, whatever the browser's clock says; and what else changes by itself is asked for now and then,
// for the rows that are on the screen. Rows stay where they are: one whose agent is gone says so.

import { ago, inWords } from "./ages.js";
import { Region, keep } from "./live.js";
import { morph } from "./morph.js";

const SECONDS = 10;
const PATIENCE_SECONDS = 20;
// A lease that turns is asked about before its time, but not all the time.
const SHORTEST_SECONDS = 3;
const HEARTBEATS_PER_TTL = 3;

class Rows extends Region {
  constructor(element, controls) {
    super(element, controls);
    this.seconds = Number(element.dataset.liveSeconds) || SECONDS;
    this.url = document.querySelector("[data-rows-url]").dataset.rowsUrl;
  }

  get states() {
    return [...this.element.querySelectorAll("[data-agent]")];
  }

  ask() {
    const token = document.querySelector("#changelist-form [name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({ csrfmiddlewaretoken: token });
    for (const state of this.states) body.append("id", state.dataset.agent);
    return fetch(this.url, {
      method: "POST",
      body,
      headers: { "X-Requested-With": "live" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000),
    });
  }

  async show(answer) {
    const { rows } = await answer.json();
    begun = new WeakMap();
    for (const state of this.states) {
      const cells = rows[state.dataset.agent];
      if (!cells) continue;
      const row = state.closest("tr");
      row.classList.toggle("fleet-gone", !cells.time_left);
      for (const [column, html] of Object.entries(cells)) {
        const fresh = document.createElement("template");
        fresh.innerHTML = html; // made by the registry, which escapes what agents say
        morph(row.querySelector(`.field-${column}`), fresh.content);
      }
    }
  }
}

// When what is left of a lease was told, by a clock that nobody sets.
let begun = new WeakMap();

function leftOf(lease) {
  if (!begun.has(lease)) begun.set(lease, performance.now());
  return Number(lease.dataset.left) - (performance.now() - begun.get(lease)) / 1000;
}

/** In the largest unit alone: an end is far away soon enough. */
function agoRoughly(seconds) {
  return seconds >= 1 ? `${inWords(seconds).split(" ", 2).join(" ")} ago` : "now";
}

/** Let a lease go on; returns whether it has turned: soon to end, or ended. */
function move(lease) {
  const left = leftOf(lease);
  const ttl = Number(lease.dataset.ttl);
  const level = left <= 0 ? "bad" : left * HEARTBEATS_PER_TTL < ttl ? "warn" : "ok";
  const words = left > 0 ? inWords(left) : `ended ${agoRoughly(-left)}`;
  const [said, bar] = lease.children;
  if (said.textContent !== words) said.textContent = words;
  bar.value = Math.max(left, 0);
  const heard = lease.closest("tr").querySelector(".field-last_heartbeat time");
  const age = ago(ttl - left);
  if (heard && heard.textContent !== age) heard.textContent = age;
  const turned = !lease.classList.contains(`level-${level}`);
  if (turned) lease.className = `fleet-lease level-${level}`;
  return turned;
}

function tick(region) {
  if (document.hidden) return;
  const leases = region.element.querySelectorAll("tr:not(.fleet-gone) .fleet-lease");
  const turned = [...leases].filter(move).length > 0;
  if (turned && Date.now() - region.refreshedAt > SHORTEST_SECONDS * 1000) region.go();
}

const table = document.getElementById("result_list");
if (table) {
  const region = keep(table, Rows);
  setInterval(() => tick(region), 1000);
  document.addEventListener("live:refreshed", () => tick(region));
  document.addEventListener("visibilitychange", () => tick(region));
}

/** Copy a text; without TLS a browser has but the older way. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

const button = document.querySelector("[data-copy-link]");
if (button) {
  const text = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(location.href);
    button.focus();
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = text; }, 2000);
  });
}
