// Buttons that copy a text.

/** Copy a text. Without TLS, browsers only have the older way. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** Show a button, and let it copy what `text` returns. */
export function offerCopy(button, text) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await copy(text());
    button.focus();
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  offerCopy(button, () => document.getElementById(button.dataset.copy).textContent);
}
