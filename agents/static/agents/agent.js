// On the page of an agent: what is left of its lease moves each second, and a button copies the text
// of the element that it names.

import { inWords } from "./ages.js";

// When the registry told what is left, by a clock that nobody sets.
let toldAt = performance.now();
document.addEventListener("live:refreshed", (event) => {
  if (event.detail.changed) toldAt = performance.now();
});

setInterval(() => {
  const bar = document.querySelector("#agent-now .lease-bar");
  const told = Number(bar?.dataset.left);
  if (!told || document.hidden) return; // it has ended: the registry tells how long ago
  const left = Math.max(told - (performance.now() - toldAt) / 1000, 0);
  bar.value = left;
  bar.nextElementSibling.textContent = left ? `${inWords(left)} left` : "ended now";
}, 1000);

for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const said = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      said.textContent = "Copied";
    } catch {
      // The browser gives its clipboard to pages of HTTPS only: the person copies what is marked.
      getSelection().selectAllChildren(text);
      said.textContent = "Marked: copy it";
    }
  });
}
