// On the page of an agent: copies the text of the element that a button names.

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
