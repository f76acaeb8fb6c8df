"use strict";

// Django's two lists to choose from have icons with names, but without a role that may have one.
new MutationObserver(() => {
  for (const icon of document.querySelectorAll(".selector span[aria-label]")) icon.setAttribute("role", "img");
}).observe(document, { childList: true, subtree: true });
