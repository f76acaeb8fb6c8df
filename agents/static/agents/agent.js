// An agent's page: its lease counts down each second, and buttons copy the text of the element that
// their `data-copy` names.

import { inWords } from "./ages.js";

// When the registry sent the time left, by a monotonic clock.
let receivedAt = performance.now();
document.addEventListener("live:refreshed", (event) => {
  if (event.detail.changed) receivedAt = performance.now();
});

setInterval(() => {
  const meter = document.querySelector("#agent-now .lease-bar");
  const sent = Number(meter?.dataset.left);
  if (!sent || document.hidden) return; // it has ended: the registry says how long ago
  const left = Math.max(sent - (performance.now() - receivedAt) / 1000, 0);
  meter.value = left;
  meter.nextElementSibling.textContent = left ? `${inWords(left)} left` : "ended now";
}, 1000);

for (const button of document.querySelectorAll("button[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  const note = button.nextElementSibling;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      note.textContent = "Copied";
    } catch {
      // Without TLS there is no clipboard.
      getSelection().selectAllChildren(text);
      note.textContent = "Selected: copy it";
    }
  });
}
