// Boxes above the values of facets narrow them while one types. Enter takes the value that is meant,
// else filters by the text itself. Values that are not in the page are fetched.

const WAIT_MILLISECONDS = 200;
const panel = document.getElementById("facets");

class Facet {
  constructor(section) {
    this.section = section;
    this.box = section.querySelector(".facet-box input[type=search]");
    this.list = section.querySelector(".facet-values");
    this.more = section.querySelector("details");
    this.none = section.querySelector(".facet-none");
    this.firstValues = [...this.list.children];
    this.timer = 0;
    this.box.addEventListener("input", () => this.narrow());
    this.box.form.addEventListener("submit", (event) => this.submit(event));
  }

  get text() {
    return this.box.value.trim().toLowerCase();
  }

  get values() {
    return [...this.section.querySelectorAll(".facet-values li")];
  }

  narrow() {
    clearTimeout(this.timer);
    if ("incomplete" in this.section.dataset && this.text) {
      this.timer = setTimeout(() => this.fetchValues(), WAIT_MILLISECONDS);
      return;
    }
    this.list.replaceChildren(...this.firstValues);
    if (this.more) {
      this.more.hidden = false;
      this.more.open = Boolean(this.text);
    }
    this.hideOthers();
  }

  hideOthers() {
    for (const value of this.values) value.hidden = !textOf(value).includes(this.text);
    this.none.hidden = this.values.some((value) => !value.hidden);
  }

  async fetchValues() {
    const { text } = this;
    const query = new URLSearchParams(location.search);
    query.set("contains", text);
    const url = `${panel.dataset.facetsUrl}${this.section.dataset.facet}/?${query}`;
    const response = await fetch(url, { credentials: "same-origin", redirect: "error" });
    if (!response.ok || text !== this.text) return;
    const fresh = document.createElement("template");
    fresh.innerHTML = await response.text(); // from the registry, which escapes what agents send
    if (text !== this.text) return;
    this.list.replaceChildren(fresh.content);
    if (this.more) this.more.hidden = true;
    this.none.hidden = this.list.children.length > 0;
  }

  submit(event) {
    const shown = this.values.filter((value) => !value.hidden && !value.closest("[hidden]"));
    const meant = shown.find((value) => textOf(value) === this.text) ?? shown[0];
    if (!this.text || !meant) return;
    event.preventDefault();
    meant.querySelector("a").click();
  }
}

function textOf(value) {
  return value.querySelector(".facet-text").textContent.toLowerCase();
}

for (const section of panel?.querySelectorAll(".facet") ?? []) {
  if (section.querySelector(".facet-box")) new Facet(section);
}
