// A part of a page that refreshes itself: see live.js.

import { feed } from "./feed.js";
import { morph } from "./morph.js";

const MAX_SECONDS = 60;
const TIMEOUT_SECONDS = 20;
const LATE_AFTER = 3; // intervals
const IDLE_SECONDS = 30;
// After a change, a region is refreshed once this share of its interval has passed since the last time.
const SHARE = 0.3;
const MAX_GAP_SECONDS = 1.5; // of regions that are refreshed often
const OFTEN_SECONDS = 10;
// Changes that follow each other take at most a tenth of the registry's time.
const GAPS_PER_REFRESH = 10;
const MAX_PAUSE_SECONDS = 5;
const FINAL = new Set([401, 403, 404, 410]);

/** A region; subclasses request and show it in their own way. */
export class Region {
  constructor(element, controls) {
    this.element = element;
    this.controls = controls;
    this.seconds = Number(element.dataset.liveSeconds) || 5;
    this.idleSeconds =
      Number(element.dataset.liveIdleSeconds) || Math.max(this.seconds, IDLE_SECONDS);
    this.etag = null;
    this.failures = 0;
    this.retryAfter = 0; // seconds
    this.refreshedAt = Date.now();
    this.isEnded = false;
    this.isBusy = false;
    this.hasChanged = false;
    this.took = 0; // milliseconds, until the last response began
    this.timer = 0;
  }

  /** The usual time between two refreshes. */
  get interval() {
    return feed.isLive ? this.idleSeconds : this.seconds;
  }

  get isActive() {
    return !document.hidden && !this.isEnded && !this.controls.isPaused && this.element.isConnected;
  }

  get isLate() {
    return this.failures > 0 || Date.now() - this.refreshedAt > this.interval * LATE_AFTER * 1000;
  }

  /** Refresh now, if that is allowed and not under way. */
  refreshNow() {
    clearTimeout(this.timer);
    if (this.isActive && !this.isBusy) this.refresh();
  }

  /** Whether the region may show something else after a change, as feed.js reports it. */
  isConcernedBy({ changes, isAll, isPulse }) {
    const agent = this.element.dataset.liveAgent;
    if (!agent) return true;
    return !isPulse && (!isAll || changes.some(([id]) => id === agent));
  }

  /** Refresh soon, but not too often. */
  refreshSoon() {
    this.hasChanged = true;
    if (this.isBusy || !this.isActive || this.failures) return; // the next refresh follows anyway
    let gap = this.seconds * SHARE;
    if (this.seconds <= OFTEN_SECONDS) gap = Math.min(gap, MAX_GAP_SECONDS);
    const pause = Math.min(this.took * GAPS_PER_REFRESH, MAX_PAUSE_SECONDS * 1000);
    clearTimeout(this.timer);
    const wait = this.refreshedAt + Math.max(gap * 1000, pause) - Date.now();
    this.timer = setTimeout(() => this.refreshNow(), Math.max(wait, 0));
  }

  scheduleNext() {
    if (this.hasChanged && !this.failures) {
      this.refreshSoon();
      return;
    }
    const interval = this.failures ? this.seconds : this.interval;
    const backOff = Math.min(interval * 2 ** Math.min(this.failures, 6), MAX_SECONDS);
    const jitter = this.failures ? 0.75 + Math.random() / 2 : 1;
    const seconds = Math.max(this.retryAfter, backOff * jitter);
    clearTimeout(this.timer);
    if (this.isActive) this.timer = setTimeout(() => this.refreshNow(), seconds * 1000);
  }

  async refresh() {
    this.isBusy = true;
    this.hasChanged = false;
    try {
      const began = performance.now();
      const response = await this.request();
      this.took = performance.now() - began;
      await this.handle(response);
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
