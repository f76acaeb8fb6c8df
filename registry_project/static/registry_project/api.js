"use strict";

// Calls the API by the methods that forms cannot use, and shows the page that it answers with.
{
  const { token, header } = document.currentScript.dataset;

  const call = async (form) => {
    const { method } = form.dataset;
    const headers = { Accept: "text/html", [header]: token };
    const options = { method, headers };
    const content = form.elements.content?.value;
    if (content) {
      headers["Content-Type"] = "application/json";
      options.body = content;
    }
    const response = await fetch(location.href, options);
    if (!response.headers.get("Content-Type")?.startsWith("text/html")) {
      throw new Error(`${response.status} ${response.statusText}: ${await response.text()}`);
    }
    const page = document.open("text/html");
    page.write(await response.text());
    page.close();
  };

  const complain = (error) => {
    const problem = document.querySelector(".api-problem");
    problem.textContent = error.message;
    problem.hidden = false;
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.method) return;
    event.preventDefault();
    if (form.dataset.question && !confirm(form.dataset.question)) return;
    call(form).catch(complain);
  });
}
