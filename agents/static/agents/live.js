// Regions of a page that refresh themselves:
//
//   <section id="fleet" data-live="/admin/overview/" data-live-seconds="5">...</section>
//
// Every so many seconds the URL is asked for. It answers with what is to be inside the region, or
// with a page in which there is an element of the same id; the ETag that it had is sent along, so
// that what has not changed costs no body. Only what differs is replaced (morph.js). What a person
// is about stays: focus, selection, scrolling, <details>.
//
// While the tab is hidden, nothing is asked. A fault is told, and the next tries come later and
// later. Once the registry says that this is not (any more) for these eyes, none come at all.
//
// Who wants to keep the page still pauses it by a button, which is put where
// `data-live-controls="ID"` is, else before the region; one that names several ids pauses all
// of them. After each refresh the region gets a `live:refreshed` event, with `detail.changed`.

import { inWords } from "./ages.js";
import { morph } from "./morph.js";

const LONGEST_SECONDS = 60;
const PATIENCE_SECONDS = 20;
const MORE_LATE_THAN = 3; // times the interval
const NOT_FOR_YOU = new Set([401, 403, 404, 410]);

/** What is refreshed; a subclass may ask for it, and show the answer, in a way of its own. */
export class Region {
  constructor(element, controls) {
    this.element = element;
    this.controls = controls;
    this.seconds = Number(element.dataset.liveSeconds) || 5;
    this.etag = null;
    this.failures = 0;
    this.wait = 0; // seconds that the registry asked for
    this.refreshedAt = Date.now();
    this.isEnded = false;
    this.isAsking = false;
    this.timer = 0;
  }

  get mayAsk() {
    return !document.hidden && !this.isEnded && !this.controls.isPaused && this.element.isConnected;
  }

  get isLate() {
    return this.failures > 0 || Date.now() - this.refreshedAt > this.seconds * MORE_LATE_THAN * 1000;
  }

  /** Ask at once, if nobody does and it may be; and from then on, every so often. */
  go() {
    clearTimeout(this.timer);
    if (this.mayAsk && !this.isAsking) this.refresh();
  }

  later() {
    const backedOff = this.seconds * 2 ** Math.min(this.failures, 6);
    const spread = this.failures ? 0.75 + Math.random() / 2 : 1;
    const seconds = Math.max(this.wait, Math.min(backedOff, LONGEST_SECONDS) * spread);
    clearTimeout(this.timer);
    if (this.mayAsk) this.timer = setTimeout(() => this.go(), seconds * 1000);
  }

  async refresh() {
    this.isAsking = true;
    try {
      await this.take(await this.ask());
    } catch {
      this.failures += 1;
    }
    this.isAsking = false;
    this.controls.tell();
    this.later();
  }

  ask() {
    const headers = { "X-Requested-With": "live" };
    if (this.etag) headers["If-None-Match"] = this.etag;
    return fetch(this.element.dataset.live, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(PATIENCE_SECONDS * 1000),
    });
  }

  async take(answer) {
    this.wait = 0;
    // A redirection leads to the login, or away from what is no more.
    if (answer.type === "opaqueredirect" || NOT_FOR_YOU.has(answer.status)) {
      this.isEnded = true;
      return;
    }
    if (answer.status !== 304) {
      if (!answer.ok) {
        this.wait = Number(answer.headers.get("Retry-After")) || 0;
        throw new Error(`answered with ${answer.status}`);
      }
      await this.show(answer);
    }
    this.failures = 0;
    this.refreshedAt = Date.now();
    const detail = { changed: answer.status !== 304 };
    this.element.dispatchEvent(new CustomEvent("live:refreshed", { bubbles: true, detail }));
  }

  async show(answer) {
    // A document that was parsed runs no script, and loads nothing.
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(this.element.id) ?? page.body;
    const isWhole = morph(this.element, fresh);
    // What had to stay for now is replaced by the next answer, which so has to come with a body.
    this.etag = isWhole ? answer.headers.get("ETag") : null;
  }
}

/** The button and the words about some regions. */
class Controls {
  constructor(place) {
    this.isPaused = false;
    this.regions = [];
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "live-button";
    this.button.addEventListener("click", () => this.toggle());
    // Told once, when it changes; how old the page is counts on beside it, and is not read out.
    this.status = document.createElement("span");
    this.status.className = "live-status";
    this.status.setAttribute("role", "status");
    this.age = document.createElement("span");
    this.age.className = "live-age";
    place.classList.add("live-controls");
    place.setAttribute("data-live-skip", "");
    place.replaceChildren(this.status, this.age, this.button);
  }

  toggle() {
    this.isPaused = !this.isPaused;
    this.tell();
    for (const region of this.regions) region.go();
  }

  tell() {
    const isEnded = this.regions.some((region) => region.isEnded);
    const isFailing = this.regions.some((region) => region.failures);
    const isLate = isEnded || this.regions.some((region) => region.isLate);
    this.button.textContent = this.isPaused ? "Resume refreshing" : "Pause refreshing";
    this.button.hidden = this.regions.every((region) => region.isEnded);
    let text = "";
    if (isEnded) text = "This page is not refreshed any more: you are logged out, or may not see it.";
    else if (this.isPaused) text = "Refreshing is paused.";
    else if (isFailing) text = "The registry does not answer; trying again.";
    if (this.status.textContent !== text) this.status.textContent = text;
    if (isEnded && !this.reload) {
      this.reload = document.createElement("a");
      this.reload.href = location.href;
      this.reload.textContent = "Load it again";
      this.status.after(this.reload);
    }
    const oldest = Math.min(...this.regions.map((region) => region.refreshedAt));
    const isTold = isLate || this.isPaused;
    const age = isTold ? `Not refreshed for ${inWords((Date.now() - oldest) / 1000)}.` : "";
    if (this.age.textContent !== age) this.age.textContent = age;
    const state = isEnded || (isLate && !this.isPaused) ? "late" : this.isPaused ? "paused" : "live";
    this.button.parentElement.dataset.state = state;
    for (const region of this.regions) region.element.dataset.liveState = state;
  }
}

function placeFor(element) {
  const place = document.querySelector(`[data-live-controls~="${CSS.escape(element.id)}"]`);
  if (place) return place;
  const own = document.createElement("div");
  element.before(own);
  return own;
}

const controls = new Map();
const regions = [];

/** Refresh an element from now on. */
export function keep(element, Kind = Region) {
  const place = placeFor(element);
  if (!controls.has(place)) controls.set(place, new Controls(place));
  const its = controls.get(place);
  const region = new Kind(element, its);
  its.regions.push(region);
  regions.push(region);
  its.tell();
  region.later();
  return region;
}

for (const element of document.querySelectorAll("[data-live]")) keep(element);

document.addEventListener("visibilitychange", () => {
  for (const region of regions) region.go();
});
// A page that comes back from the browser's memory of pages has stood still.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const region of regions) region.go();
});
setInterval(() => {
  if (!document.hidden) for (const its of controls.values()) its.tell();
}, 1000);
