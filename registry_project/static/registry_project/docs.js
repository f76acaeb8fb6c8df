"use strict";

// Swagger UI puts links into the buttons that open an operation, gives fields of parameters no label,
// and keyboards cannot scroll its samples.
const accessibleNames = () => ({
  wrapComponents: {
    DeepLink: (_original, { React }) => ({ text }) => React.createElement("span", null, text),
  },
});

{
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    const { theme } = document.documentElement.dataset;
    const isDark = theme === "dark" || (theme !== "light" && dark.matches);
    document.documentElement.classList.toggle("dark-mode", isDark);
  };
  follow();
  dark.addEventListener("change", follow);
  new MutationObserver(follow).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

{
  const fields = "tr[data-param-name] :is(input, select, textarea):not([aria-label])";
  const improve = () => {
    for (const field of document.querySelectorAll(fields)) {
      field.setAttribute("aria-label", field.closest("tr").dataset.paramName);
    }
    for (const sample of document.querySelectorAll(".microlight:not([tabindex])")) sample.tabIndex = 0;
  };
  new MutationObserver(improve).observe(document.querySelector("#swagger-ui"), {
    childList: true,
    subtree: true,
  });
}
