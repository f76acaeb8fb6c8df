// The agent list. Leases count down each second, by durations from the registry, whatever the browser's
// clock says; the rows are refreshed every few seconds. Rows stay in their places: one whose agent is
// gone says so.

import { inWords } from "./ages.js";
import { offerCopy } from "./copy.js";
import { Region, start } from "./live.js";
import { morph } from "./morph.js";

const SECONDS = 10;
const TIMEOUT_SECONDS = 20;
// When the level of a lease changes, the rows are refreshed early, but not more often than this.
const MIN_SECONDS = 3;
const HEARTBEATS_PER_TTL = 3;

class Rows extends Region {
  constructor(element, controls) {
    super(element, controls);
    this.seconds = Number(element.dataset.liveSeconds) || SECONDS;
    this.url = document.querySelector("[data-rows-url]").dataset.rowsUrl;
    this.isStale = false;
  }

  get rows() {
    return [...this.element.querySelectorAll("tr[data-agent]")];
  }

  isConcernedBy({ changes, isAll, isPulse }) {
    const shown = new Set(this.rows.map((row) => row.dataset.agent));
    return !isPulse && (!isAll || changes.some(([id]) => shown.has(id)));
  }

  request() {
    const token = document.querySelector("#changelist-form [name=csrfmiddlewaretoken]").value;
    const body = new URLSearchParams({ csrfmiddlewaretoken: token });
    for (const row of this.rows) body.append("id", row.dataset.agent);
    return fetch(this.url, {
      method: "POST",
      body,
      headers: { "X-Requested-With": "live" },
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
  }

  async show(response) {
    const { rows } = await response.json();
    receivedAt = new WeakMap();
    for (const row of this.rows) {
      const cells = rows[row.dataset.agent];
      if (!cells) continue;
      row.classList.toggle("fleet-gone", !cells.time_left);
      for (const [column, html] of Object.entries(cells)) {
        const fresh = document.createElement("template");
        fresh.innerHTML = html; // from the registry, which escapes what agents send
        morph(row.querySelector(`.field-${column}`), fresh.content);
      }
    }
  }
}

// When the time left of a lease was received, by a monotonic clock.
let receivedAt = new WeakMap();

function secondsLeft(lease) {
  if (!receivedAt.has(lease)) receivedAt.set(lease, performance.now());
  return Number(lease.dataset.left) - (performance.now() - receivedAt.get(lease)) / 1000;
}

/** In the largest unit only. */
function agoRoughly(seconds) {
  return seconds >= 1 ? `${inWords(seconds).split(" ", 2).join(" ")} ago` : "now";
}

/** Show what is left of a lease now; return whether its level has changed. */
function countDown(lease) {
  const left = secondsLeft(lease);
  const ttl = Number(lease.dataset.ttl);
  const level = left <= 0 ? "bad" : left * HEARTBEATS_PER_TTL < ttl ? "warn" : "ok";
  const words = left > 0 ? inWords(left) : `ended ${agoRoughly(-left)}`;
  if (lease.textContent !== words) lease.textContent = words;
  const hasChanged = !lease.classList.contains(`level-${level}`);
  if (hasChanged) lease.className = `fleet-lease level-${level}`;
  return hasChanged;
}

function tick(region) {
  if (document.hidden) return;
  const leases = region.element.querySelectorAll("tr:not(.fleet-gone) .fleet-lease");
  if ([...leases].filter(countDown).length) region.isStale = true;
  if (!region.isStale || Date.now() - region.refreshedAt < MIN_SECONDS * 1000) return;
  region.isStale = false;
  region.refreshNow();
}

const table = document.getElementById("result_list");
if (table) {
  const region = start(table, Rows);
  setInterval(() => tick(region), 1000);
  document.addEventListener("live:refreshed", () => tick(region));
  document.addEventListener("visibilitychange", () => tick(region));
}

const link = document.querySelector("[data-copy-link]");
if (link) offerCopy(link, () => location.href);
