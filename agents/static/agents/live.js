// Regions of a page that refresh themselves:
//
//   <section id="fleet" data-live="/admin/overview/" data-live-seconds="5">...</section>
//
// The URL returns the contents of the region, or a page that has an element with the same id. Its ETag
// is sent back, so that an unchanged region costs no body. morph.js updates the region in place.
//
// Hidden tabs make no requests. After an error the next requests come later and later; after 401, 403,
// 404, 410 or a redirect (to the login) they stop.
//
// A button pauses and resumes. It is put into the element whose `data-live-controls` names the region,
// or several regions, else before the region. Each refresh dispatches a `live:refreshed` event on the
// region; `detail.changed` says whether there was new content.

import { inWords } from "./ages.js";
import { morph } from "./morph.js";

const MAX_SECONDS = 60;
const TIMEOUT_SECONDS = 20;
const LATE_AFTER = 3; // intervals
const FINAL = new Set([401, 403, 404, 410]);

/** A region; subclasses request and show it in their own way. */
export class Region {
  constructor(element, controls) {
    this.element = element;
    this.controls = controls;
    this.seconds = Number(element.dataset.liveSeconds) || 5;
    this.etag = null;
    this.failures = 0;
    this.retryAfter = 0; // seconds
    this.refreshedAt = Date.now();
    this.isEnded = false;
    this.isBusy = false;
    this.timer = 0;
  }

  get isActive() {
    return !document.hidden && !this.isEnded && !this.controls.isPaused && this.element.isConnected;
  }

  get isLate() {
    return this.failures > 0 || Date.now() - this.refreshedAt > this.seconds * LATE_AFTER * 1000;
  }

  /** Refresh now, if that is allowed and not under way. */
  refreshNow() {
    clearTimeout(this.timer);
    if (this.isActive && !this.isBusy) this.refresh();
  }

  scheduleNext() {
    const backOff = Math.min(this.seconds * 2 ** Math.min(this.failures, 6), MAX_SECONDS);
    const jitter = this.failures ? 0.75 + Math.random() / 2 : 1;
    const seconds = Math.max(this.retryAfter, backOff * jitter);
    clearTimeout(this.timer);
    if (this.isActive) this.timer = setTimeout(() => this.refreshNow(), seconds * 1000);
  }

  async refresh() {
    this.isBusy = true;
    try {
      await this.handle(await this.request());
    } catch {
      this.failures += 1;
    }
    this.isBusy = false;
    this.controls.update();
    this.scheduleNext();
  }

  request() {
    const headers = { "X-Requested-With": "live" };
    if (this.etag) headers["If-None-Match"] = this.etag;
    return fetch(this.element.dataset.live, {
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
  }

  async handle(response) {
    this.retryAfter = 0;
    if (response.type === "opaqueredirect" || FINAL.has(response.status)) {
      this.isEnded = true;
      return;
    }
    if (response.status !== 304) {
      if (!response.ok) {
        this.retryAfter = Number(response.headers.get("Retry-After")) || 0;
        throw new Error(`status ${response.status}`);
      }
      await this.show(response);
    }
    this.failures = 0;
    this.refreshedAt = Date.now();
    const detail = { changed: response.status !== 304 };
    this.element.dispatchEvent(new CustomEvent("live:refreshed", { bubbles: true, detail }));
  }

  async show(response) {
    // A parsed document runs no scripts and loads nothing.
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById(this.element.id) ?? page.body;
    const isComplete = morph(this.element, fresh);
    // Without an ETag the next response has a body, which updates what was left out now.
    this.etag = isComplete ? response.headers.get("ETag") : null;
  }
}

/** The pause button of some regions, and their status. */
class Controls {
  constructor(place) {
    this.isPaused = false;
    this.regions = [];
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "live-button";
    this.button.addEventListener("click", () => this.toggle());
    // Screen readers announce changes of the status. The age, which changes each second, is outside.
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
    this.update();
    for (const region of this.regions) region.refreshNow();
  }

  update() {
    const isEnded = this.regions.some((region) => region.isEnded);
    const isFailing = this.regions.some((region) => region.failures);
    const isLate = isEnded || this.regions.some((region) => region.isLate);
    this.button.textContent = this.isPaused ? "Resume refreshing" : "Pause refreshing";
    this.button.hidden = this.regions.every((region) => region.isEnded);
    let text = "";
    if (isEnded) text = "Refreshing has stopped: you are logged out or lack the permission.";
    else if (this.isPaused) text = "Refreshing is paused.";
    else if (isFailing) text = "The registry does not respond. Retrying.";
    if (this.status.textContent !== text) this.status.textContent = text;
    if (isEnded && !this.reload) {
      this.reload = document.createElement("a");
      this.reload.href = location.href;
      this.reload.textContent = "Reload";
      this.status.after(this.reload);
    }
    const oldest = Math.min(...this.regions.map((region) => region.refreshedAt));
    const showsAge = isLate || this.isPaused;
    const age = showsAge ? `Not refreshed for ${inWords((Date.now() - oldest) / 1000)}.` : "";
    if (this.age.textContent !== age) this.age.textContent = age;
    const state = isEnded || (isLate && !this.isPaused) ? "late" : this.isPaused ? "paused" : "live";
    this.button.parentElement.dataset.state = state;
    for (const region of this.regions) region.element.dataset.liveState = state;
  }
}

function placeFor(element) {
  const place = document.querySelector(`[data-live-controls~="${CSS.escape(element.id)}"]`);
  if (place) return place;
  const created = document.createElement("div");
  element.before(created);
  return created;
}

const controls = new Map();
const regions = [];

/** Refresh an element from now on. */
export function start(element, Kind = Region) {
  const place = placeFor(element);
  if (!controls.has(place)) controls.set(place, new Controls(place));
  const itsControls = controls.get(place);
  const region = new Kind(element, itsControls);
  itsControls.regions.push(region);
  regions.push(region);
  itsControls.update();
  region.scheduleNext();
  return region;
}

for (const element of document.querySelectorAll("[data-live]")) start(element);

document.addEventListener("visibilitychange", () => {
  for (const region of regions) region.refreshNow();
});
// A page that the browser restores from its back/forward cache is out of date.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const region of regions) region.refreshNow();
});
setInterval(() => {
  if (!document.hidden) for (const each of controls.values()) each.update();
}, 1000);
