// What the agent returned.

function showPieces(container, pieces) {
  const isText = pieces.every(piece => typeof piece === "string");
  const text = isText ? pieces.join("") : pieces.map(piece => JSON.stringify(piece)).join("\n");
  const shown = make(isText ? "p" : "pre", {className: "text growing"}, text);
  container.replaceChildren(shown);
}

function showResult(container, result, view) {
  if (view === "json") {
    container.replaceChildren(make("pre", {}, pretty(result)));
    return;
  }
  const entries = Object.entries(result);
  if (!entries.length) {
    container.replaceChildren(make("p", {className: "empty"}, "An empty object."));
    return;
  }
  const list = entries.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, shown(value))]);
  container.replaceChildren(make("dl", {}, ...list));
}

function shown(value) {
  if (typeof value === "string") return make("p", {className: "text"}, value);
  return make("pre", {}, pretty(value));
}

function showFailure(container, text) {
  container.replaceChildren(make("p", {className: "failure", role: "alert"}, text));
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  Object.assign(element, properties);
  element.append(...children);
  return element;
}
