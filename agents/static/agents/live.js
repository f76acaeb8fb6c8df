// Regions of a page that refresh themselves:
//
//   <section id="fleet" data-live="/admin/overview/" data-live-seconds="5">...</section>
//
// The URL returns the contents of the region, or a page that has an element with the same id. Its ETag
// is sent back, so that an unchanged region costs no body. morph.js updates the region in place.
//
// While feed.js hears of changes, a region is refreshed when something has changed, and else only every
// `data-live-idle-seconds` (30). With `data-live-agent="weather-7"` only changes of that agent count.
//
// Hidden tabs make no requests. After an error the next requests come later and later; after 401, 403,
// 404, 410 or a redirect (to the login) they stop.
//
// A button pauses and resumes. It is put into the element whose `data-live-controls` names the region,
// or several regions, else before the region. Each refresh dispatches a `live:refreshed` event on the
// region; `detail.changed` says whether there was new content.

import { inWords } from "./ages.js";
import { onChange } from "./feed.js";
import { Region } from "./region.js";

export { Region };

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

onChange((change) => {
  for (const region of regions) if (region.isConcernedBy(change)) region.refreshSoon();
});
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
