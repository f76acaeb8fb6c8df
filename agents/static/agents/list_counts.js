// The numbers and banners of the open list of agents follow. Values of facets stay where they are: new
// ones appear when the list is loaded again.

import { Region, start } from "./live.js";
import { morph } from "./morph.js";

const SECONDS = 10;

class Counts extends Region {
  constructor(element, controls) {
    super(element, controls);
    this.seconds = SECONDS;
  }

  async show(response) {
    // A parsed document runs no scripts and loads nothing.
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const count = document.getElementById("list-count");
    if (count) count.textContent = page.getElementById("list-count").textContent;
    morph(document.getElementById("list-banners"), page.getElementById("list-banners"));
    for (const fresh of page.querySelectorAll("[data-facet]")) this.showFacet(fresh);
  }

  showFacet(fresh) {
    const facet = this.element.querySelector(`[data-facet="${CSS.escape(fresh.dataset.facet)}"]`);
    const numbers = new Map();
    for (const link of fresh.querySelectorAll("a")) {
      numbers.set(link.getAttribute("href"), link.querySelector(".facet-agents")?.textContent);
    }
    for (const link of facet?.querySelectorAll("a") ?? []) {
      const number = link.querySelector(".facet-agents");
      const text = numbers.get(link.getAttribute("href")) ?? (fresh.hasAttribute("data-incomplete") ? "" : "0");
      if (number && text && number.textContent !== text) number.textContent = text;
    }
  }
}

const facets = document.getElementById("facets");
const place = document.querySelector('[data-live-controls~="facets"]');
if (facets && place) {
  facets.dataset.live = place.dataset.countsUrl;
  start(facets, Counts);
}
