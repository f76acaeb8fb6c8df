// The form: a field for each declared input, or one for a whole JSON object.

const WHOLE = "";

function makeForm(schema, container) {
  const properties = schema.properties ?? {};
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(properties).map(([name, about]) =>
    makeField(name, about, required.has(name)));
  if (!fields.length) {
    const about = {type: "object", description: "Any JSON object."};
    fields.push(makeField(WHOLE, about, true));
  }
  container.replaceChildren(...fields.map(field => field.element));
  return fields;
}

function makeField(name, about, isRequired) {
  const id = `input-${name}`;
  const control = makeControl(about, isRequired);
  control.id = id;
  control.name = name;
  const hint = make("span", {className: "hint", id: `${id}-hint`}, about.description ?? "");
  const problem = make("span", {className: "problem", id: `${id}-problem`});
  control.setAttribute("aria-describedby", `${hint.id} ${problem.id}`);
  if (isRequired) control.required = true;
  const kind = about.type + (isRequired ? "" : ", optional");
  const label = make("label", {htmlFor: id}, name || "inputs", " ", make("small", {}, kind));
  const isBox = control.type === "checkbox";
  if (isBox) label.prepend(control);
  const parts = isBox ? [label, hint, problem] : [label, hint, control, problem];
  const element = make("div", {className: "field"}, ...parts);
  return {name, about, isRequired, control, problem, element};
}

function makeControl(about, isRequired) {
  const {type, default: preset} = about;
  if (type === "boolean") {
    if (isRequired || preset !== undefined) {
      return make("input", {type: "checkbox", defaultChecked: preset === true});
    }
    const options = ["", "true", "false"].map(each =>
      make("option", {value: each}, each || "not sent"));
    return make("select", {}, ...options);
  }
  if (type === "integer" || type === "number") {
    const step = type === "integer" ? "1" : "any";
    return make("input", {type: "number", step, defaultValue: preset ?? ""});
  }
  const isText = type === "string";
  const text = preset === undefined ? "" : isText ? preset : pretty(preset);
  const control = make("textarea", {
    rows: 1, spellcheck: isText, className: isText ? "" : "json", defaultValue: text,
    placeholder: isText ? "" : type === "array" ? "[]" : "{}",
  });
  control.addEventListener("input", () => fit(control));
  return control;
}

// As high as its text.
function fit(control) {
  if (control.tagName !== "TEXTAREA") return;
  control.style.height = "auto";
  control.style.height = `${control.scrollHeight + 2}px`;
}

// Return the inputs, or undefined if a field cannot be read; what is left empty is not sent.
function readForm(fields) {
  clearProblems(fields);
  const inputs = {};
  for (const field of fields) {
    try {
      const value = readField(field);
      if (value !== undefined) inputs[field.name] = value;
    } catch (error) {
      showProblem(field, error.message);
    }
  }
  if (focusOnProblem(fields)) return undefined;
  return fields[0].name === WHOLE ? inputs[WHOLE] : inputs;
}

function readField({about: {type}, isRequired, control}) {
  if (control.type === "checkbox") return control.checked;
  const text = control.value;
  if (control.validity.badInput) throw new Error("This is not a number.");
  if (type === "string") return text || isRequired ? text : undefined;
  if (!text.trim()) {
    if (isRequired) throw new Error("This must not be empty.");
    return undefined;
  }
  if (type === "boolean") return text === "true";
  if (type === "integer" || type === "number") return Number(text);
  return readJson(text, type);
}

function readJson(text, type) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${error.message}`);
  }
  const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const article = type === "array" ? "an array, such as []" : "an object, such as {}";
  if (kind !== type) throw new Error(`This must be ${article}.`);
  return value;
}

function fillForm(fields, inputs) {
  clearProblems(fields);
  for (const {name, about, control} of fields) {
    const value = name === WHOLE ? inputs : inputs[name];
    if (control.type === "checkbox") control.checked = value === true;
    else if (value === undefined) control.value = "";
    else if (about.type === "array" || about.type === "object") control.value = pretty(value);
    else control.value = String(value);
    fit(control);
  }
}

function showProblem(field, text) {
  field.control.setAttribute("aria-invalid", "true");
  field.problem.textContent = text;
}

function clearProblems(fields) {
  for (const {control, problem} of fields) {
    control.removeAttribute("aria-invalid");
    problem.textContent = "";
  }
}

function focusOnProblem(fields) {
  const first = fields.find(field => field.problem.textContent);
  first?.control.focus();
  return Boolean(first);
}
