// Keeps ages up to date: the text of each <time datetime="..." data-age>. An ancestor's `data-now="..."`
// is the registry's time when it made the page, since the browser's clock may be wrong.

const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** A duration in its two largest units, as in agents/durations.py. */
export function inWords(seconds) {
  let rest = Math.max(Math.trunc(seconds), 0);
  const parts = [];
  for (const [size, unit] of UNITS) {
    const count = Math.trunc(rest / size);
    rest %= size;
    if (count) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

export function ago(seconds) {
  return seconds >= 1 ? `${inWords(seconds)} ago` : "now";
}

const clocks = new WeakMap();

/** The registry's time in milliseconds, by the `data-now` of `element`. */
function now(element) {
  const sent = element.dataset.now;
  if (clocks.get(element)?.sent !== sent) {
    clocks.set(element, { sent, ahead: Date.parse(sent) - Date.now() });
  }
  return Date.now() + clocks.get(element).ahead;
}

function tick() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-now]")) {
    const moment = now(element);
    for (const time of element.querySelectorAll("time[data-age]")) {
      const text = ago((moment - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
  }
}

document.addEventListener("live:refreshed", tick);
document.addEventListener("visibilitychange", tick);
setInterval(tick, 1000);
tick();
