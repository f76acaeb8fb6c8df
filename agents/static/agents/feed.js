// What has changed in the registry, for the whole page: `onChange` calls back with
//
//   { changes: [[agent id, kind of event], ...], isAll, isPulse }
//
// `isAll` is false if there were others too; `isPulse` stands for what has no event, such as leases that
// are about to end. <meta name="registry-feed"> has the URL of the stream (server-sent events). Where
// streams are refused, or held back on the way, the page asks for changes every few seconds, and tries
// the stream again later. Hidden tabs do neither, and catch up when they are shown.

const POLL_SECONDS = 3;
const TIMEOUT_SECONDS = 20;
const MAX_POLL_SECONDS = 60;
// A stream says something at once, and then at least every ten seconds.
const FIRST_SECONDS = 4;
const SILENCE_SECONDS = 25;
const RETRY_SECONDS = 60;
const MAX_RETRY_SECONDS = 600;
const FINAL = new Set([401, 403, 404]);

const url = document.querySelector('meta[name="registry-feed"]')?.content;
const listeners = new Set();
let cursor = document.querySelector("[data-feed-cursor]")?.dataset.feedCursor || null;
let pulse = null;
let source = null;
let watchdog = 0;
let pollTimer = 0;
let retryAt = 0;
let retrySeconds = RETRY_SECONDS;
let failures = 0;
let isEnded = !url;
// Without a cursor, nobody knows what has changed since the page was made.
let hasCaughtUp = Boolean(cursor);

export const feed = {
  /** Whether changes arrive: then the page need not look for itself. */
  isLive: false,
  /** "stream", "polling" or "none", for people and tests. */
  get way() {
    return isEnded || !this.isLive ? "none" : source ? "stream" : "polling";
  },
};

export function onChange(listener) {
  listeners.add(listener);
}

function report(change) {
  for (const listener of listeners) listener({ changes: [], isAll: true, isPulse: false, ...change });
}

function setLive(isLive) {
  feed.isLive = isLive;
  document.documentElement.dataset.feed = feed.way;
}

function receive({ cursor: next, changes, isAll }) {
  cursor = next;
  if (changes.length || !isAll) report({ changes, isAll });
  else if (!hasCaughtUp) report({ isPulse: true });
  hasCaughtUp = true;
}

// --- The stream --------------------------------------------------------------------------------

function openStream() {
  const query = cursor ? `?since=${encodeURIComponent(cursor)}` : "";
  source = new EventSource(url + query);
  expect(FIRST_SECONDS);
  const hear = (handle) => (event) => {
    retrySeconds = RETRY_SECONDS;
    expect(SILENCE_SECONDS);
    if (!feed.isLive) setLive(true);
    handle(JSON.parse(event.data));
  };
  source.addEventListener("hello", hear(receive));
  source.addEventListener("changes", hear(receive));
  source.addEventListener("pulse", hear(() => report({ isPulse: true })));
  source.addEventListener("still", hear(() => {}));
  source.addEventListener("error", () => {
    // The browser connects again by itself, unless it was refused.
    if (source?.readyState === EventSource.CLOSED) giveUp();
    else expect(FIRST_SECONDS);
  });
}

/** Give the stream up unless it says something in time. */
function expect(seconds) {
  clearTimeout(watchdog);
  watchdog = setTimeout(giveUp, seconds * 1000);
}

function closeStream() {
  clearTimeout(watchdog);
  source?.close();
  source = null;
}

function giveUp() {
  closeStream();
  retryAt = Date.now() + retrySeconds * 1000;
  retrySeconds = Math.min(retrySeconds * 2, MAX_RETRY_SECONDS);
  setLive(false);
  poll();
}

// --- Polling -----------------------------------------------------------------------------------

async function poll() {
  clearTimeout(pollTimer);
  if (document.hidden || isEnded || source) return;
  if (window.EventSource && Date.now() >= retryAt) {
    openStream();
    return;
  }
  try {
    await ask();
    failures = 0;
  } catch {
    failures += 1;
  }
  if (isEnded || source) return;
  const isLost = feed.isLive && failures;
  setLive(!failures);
  if (isLost) report({ isPulse: true }); // the page finds out why
  const seconds = Math.min(POLL_SECONDS * 2 ** Math.min(failures, 5), MAX_POLL_SECONDS);
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, seconds * 1000);
}

async function ask() {
  const query = cursor ? `?since=${encodeURIComponent(cursor)}` : "";
  const response = await fetch(`${url}changes/${query}`, {
    credentials: "same-origin",
    cache: "no-store",
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
  });
  if (response.type === "opaqueredirect" || FINAL.has(response.status)) {
    isEnded = true;
    setLive(false);
    report({ isPulse: true }); // the page finds out why
    return;
  }
  if (!response.ok) throw new Error(`status ${response.status}`);
  const found = await response.json();
  if (source || document.hidden) return; // asked before the tab was hidden
  const hasNewPulse = pulse !== null && pulse !== found.pulse;
  pulse = found.pulse;
  receive(found);
  if (hasNewPulse) report({ isPulse: true });
}

// --- Hidden tabs -------------------------------------------------------------------------------

function rest() {
  closeStream();
  clearTimeout(pollTimer);
  setLive(false);
}

document.addEventListener("visibilitychange", () => (document.hidden ? rest() : poll()));
addEventListener("pagehide", rest);
addEventListener("pageshow", (event) => {
  if (event.persisted) poll();
});
poll();
