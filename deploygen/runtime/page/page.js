// The page: tries the agent, and shows whether it is ready.

const RUNS_KEY = `runs of ${document.title}`;
const POLL_MILLISECONDS = 1000;
const TICK_MILLISECONDS = 100;

const element = id => document.getElementById(id);
const state = {fields: [], schema: "", runs: loadRuns(), shown: null, view: "fields", call: null};

async function loadSchema() {
  const response = await fetch("schema", {cache: "no-store"});
  const text = await response.text();
  if (!response.ok || text === state.schema) return;
  const values = state.fields.map(({name, control}) => [name, control.value, control.checked]);
  state.schema = text;
  state.fields = makeForm(JSON.parse(text).inputs, element("fields"));
  for (const [name, value, checked] of values) {
    const same = state.fields.find(field => field.name === name);
    if (same?.control.type === "checkbox") same.control.checked = checked;
    else if (same) same.control.value = value;
  }
  state.fields.forEach(({control}) => fit(control));
}

// A changed agent is away for a moment.
async function watchReadiness() {
  let wasAway = true;
  for (;;) {
    if (!document.hidden) {
      const problem = await readiness();
      showReadiness(problem);
      if (problem !== null && wasAway) await loadSchema().catch(() => {});
      wasAway = problem === null || !state.schema;
    }
    await new Promise(resume => setTimeout(resume, POLL_MILLISECONDS));
  }
}

// Return why the agent is not ready, "" if it is, null if it does not answer.
async function readiness() {
  try {
    const response = await fetch("health/ready", {cache: "no-store"});
    if (response.ok) return "";
    return (await response.json()).reason ?? "It does not say why.";
  } catch {
    return null;
  }
}

function showReadiness(problem) {
  const pill = element("readiness");
  const word = problem === null ? "away" : problem ? "not ready" : "ready";
  if (pill.textContent !== word) pill.textContent = word;
  pill.className = `pill ${problem === "" ? "good" : "bad"}`;
  const reason = problem === null ? "The agent does not answer. Its terminal may say why." : problem;
  if (element("reason").textContent !== reason) element("reason").textContent = reason;
  element("reason").hidden = !reason;
}

async function run() {
  if (state.call || !state.fields.length) return;
  const inputs = readForm(state.fields);
  if (inputs === undefined) return;
  const call = state.call = new AbortController();
  const pieces = [];
  let progress = {};
  let isDrawing = false;
  const began = Date.now();
  const entry = {began, inputs, state: "failed", milliseconds: 0};
  const ticking = setInterval(() => tick(began, pieces.length, progress), TICK_MILLISECONDS);
  setRunning(true);
  tick(began, 0, progress);
  showPieces(element("output"), []);
  element("output-title").scrollIntoView({block: "nearest"});
  try {
    entry.result = await callAgent(inputs, element("token").value, call.signal, piece => {
      pieces.push(piece);
      if (isDrawing) return;
      isDrawing = true;
      requestAnimationFrame(() => {
        isDrawing = false;
        if (state.call === call) showPieces(element("output"), pieces);
      });
    }, reported => { progress = reported; });
    entry.state = "done";
  } catch (error) {
    entry.state = call.signal.aborted ? "cancelled" : "failed";
    entry.problem = problemOf(error, call.signal.aborted);
  } finally {
    clearInterval(ticking);
    entry.milliseconds = Date.now() - began;
    state.call = null;
    setRunning(false);
  }
  state.runs = storeRuns([entry, ...state.runs]);
  showHistory();
  show(entry);
}

function problemOf(error, isCancelled) {
  if (isCancelled) return "The run was cancelled.";
  if (!(error instanceof CallError)) return `The agent cannot be reached (${error.message}).`;
  if (error.status === 401) element("token-field").hidden = false;
  if (!Array.isArray(error.detail)) return error.message;
  const problems = error.detail.map(({loc, msg}) => [loc.slice(loc[0] === "body" ? 1 : 0), msg]);
  for (const [[name], text] of problems) {
    const field = state.fields.find(each => each.name === name);
    if (field) showProblem(field, text);
  }
  return problems.map(([place, text]) => [...place, text].join(": ")).join("\n");
}

function tick(began, pieces, {fraction, message}) {
  const parts = [`running, ${seconds(Date.now() - began)}`];
  if (pieces) parts.push(`${pieces} ${pieces === 1 ? "piece" : "pieces"}`);
  if (fraction !== undefined) parts.push(`${Math.round(fraction * 100)}%`);
  if (message) parts.push(message);
  element("progress").textContent = parts.join(", ");
}

function setRunning(isRunning) {
  element("run").disabled = isRunning;
  element("cancel").hidden = !isRunning;
  element("output").setAttribute("aria-busy", String(isRunning));
  if (isRunning) element("views").hidden = true;
}

function show(entry) {
  state.shown = entry;
  element("progress").textContent = `${entry.state} after ${seconds(entry.milliseconds)}`;
  element("views").hidden = entry.state !== "done";
  if (entry.state === "done") showResult(element("output"), entry.result, state.view);
  else showFailure(element("output"), entry.problem);
  if (!element("token-field").hidden && !element("token").value) element("token").focus();
  else focusOnProblem(state.fields);
}

function showHistory() {
  element("history").hidden = !state.runs.length;
  showRuns(element("runs"), state.runs, chosen => {
    if (state.call) return;
    fillForm(state.fields, chosen.inputs);
    show(chosen);
    element("output-title").scrollIntoView({block: "nearest"});
  });
}

element("form").addEventListener("submit", event => {
  event.preventDefault();
  run();
});
element("form").addEventListener("reset", () => {
  clearProblems(state.fields);
  setTimeout(() => state.fields.forEach(({control}) => fit(control)));
});
document.addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  if (event.key === "Escape") state.call?.abort();
});
element("cancel").addEventListener("click", () => state.call?.abort());
element("forget").addEventListener("click", () => {
  state.runs = storeRuns([]);
  showHistory();
  element("run").focus();
});
for (const button of document.querySelectorAll("[data-view]")) {
  button.addEventListener("click", () => {
    state.view = button.dataset.view;
    for (const each of document.querySelectorAll("[data-view]")) {
      each.setAttribute("aria-pressed", String(each === button));
    }
    show(state.shown);
  });
}
element("copy").addEventListener("click", async () => {
  await navigator.clipboard.writeText(pretty(state.shown.result));
  element("copy").textContent = "Copied";
  setTimeout(() => { element("copy").textContent = "Copy"; }, 1500);
});
element("copy").hidden = !navigator.clipboard;
window.addEventListener("focus", () => loadSchema().catch(() => {}));

showHistory();
watchReadiness();
