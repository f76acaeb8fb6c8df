// The last runs, kept by the tab: inputs may be private.

const MOST_RUNS = 20;
const MOST_CHARACTERS = 500000;

function loadRuns() {
  try {
    return JSON.parse(sessionStorage.getItem(RUNS_KEY)) ?? [];
  } catch {
    return [];
  }
}

function storeRuns(runs) {
  const kept = runs.slice(0, MOST_RUNS);
  while (kept.length > 1 && JSON.stringify(kept).length > MOST_CHARACTERS) kept.pop();
  try {
    sessionStorage.setItem(RUNS_KEY, JSON.stringify(kept));
  } catch {
    // Without storage, they are only shown.
  }
  return kept;
}

function showRuns(list, runs, onChoose) {
  list.replaceChildren(...runs.map(run => make("li", {}, makeRun(run, onChoose))));
}

function makeRun(run, onChoose) {
  const when = new Date(run.began).toLocaleTimeString();
  const state = make("span", {className: `state ${run.state === "done" ? "good" : "bad"}`}, run.state);
  const took = make("span", {className: "took"}, seconds(run.milliseconds));
  const what = make("span", {className: "what"}, JSON.stringify(run.inputs));
  const button = make(
    "button", {type: "button"}, make("span", {className: "when"}, when), state, took, what);
  button.addEventListener("click", () => onChoose(run));
  return button;
}

function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(milliseconds < 9950 ? 2 : 1)} s`;
}
