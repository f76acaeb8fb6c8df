// Moves the ages on a page: of each <time datetime="..." data-age>, how long ago that was. The
// registry says by `data-now="..."` what time it is: its own, since the browser's clock may be
// wrong. An answer that is told to be unchanged moves nothing but these.

const UNITS = [[86_400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

/** The same as agents/durations.py: a duration in its two largest units. */
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

const known = new WeakMap();

/** What time it is by the registry's clock, in milliseconds; `source` is what says so. */
function now(source) {
  const said = source.dataset.now;
  if (known.get(source)?.said !== said) known.set(source, { said, ahead: Date.parse(said) - Date.now() });
  return Date.now() + known.get(source).ahead;
}

function tick() {
  if (document.hidden) return;
  for (const source of document.querySelectorAll("[data-now]")) {
    const moment = now(source);
    for (const time of source.querySelectorAll("time[data-age]")) {
      const text = ago((moment - Date.parse(time.dateTime)) / 1000);
      if (time.textContent !== text) time.textContent = text;
    }
  }
}

document.addEventListener("live:refreshed", tick);
document.addEventListener("visibilitychange", tick);
setInterval(tick, 1000);
tick();
