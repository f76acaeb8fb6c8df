// The title and the icon of the page say how much needs attention. Who wants it, and only after a click,
// is notified by the browser of what is new: then a hidden page asks the registry too, once a minute.

const SECONDS = 60;
const TIMEOUT_SECONDS = 20;
const MOST_NAMED = 3;
const WANTED = "registry-notify";

const title = document.title.replace(/^\(\d+\) /, "");
const icon = document.getElementById("icon");
const button = document.querySelector("[data-notify]");
let known = null;
let etag = null;

function wantsNotices() {
  return "Notification" in window && Notification.permission === "granted" && localStorage.getItem(WANTED) === "yes";
}

/** Show the list's number, and notify of what was not there before. */
function show(list) {
  const count = Number(list.dataset.attention);
  document.title = count ? `(${count}) ${title}` : title;
  const url = icon.getAttribute("href").replace(/\d+\.svg$/, `${count}.svg`);
  if (icon.getAttribute("href") !== url) icon.setAttribute("href", url);
  const concerns = new Map([...list.querySelectorAll("[data-concern]")].map((row) => [row.id, row.dataset.concern]));
  const fresh = known ? [...concerns].filter(([id]) => !known.has(id)).map(([, words]) => words) : [];
  known = new Set(concerns.keys());
  if (fresh.length && wantsNotices()) notify(fresh);
}

function notify(fresh) {
  const more = fresh.length > MOST_NAMED ? `, and ${fresh.length - MOST_NAMED} more` : "";
  const body = fresh.slice(0, MOST_NAMED).join(", ") + more;
  const notice = new Notification("Needs attention", { body, tag: "registry-attention" });
  notice.addEventListener("click", () => {
    window.focus();
    notice.close();
  });
}

async function ask() {
  if (!document.hidden || !wantsNotices()) return;
  const headers = { "X-Requested-With": "live", ...(etag && { "If-None-Match": etag }) };
  const signal = AbortSignal.timeout(TIMEOUT_SECONDS * 1000);
  const answer = await fetch(button.dataset.notify, { headers, cache: "no-store", redirect: "manual", signal });
  if (answer.status !== 200) return;
  etag = answer.headers.get("ETag");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = page.getElementById("attention");
  if (list) show(list);
}

function showButton() {
  button.hidden = !("Notification" in window) || Notification.permission === "denied";
  button.setAttribute("aria-pressed", String(wantsNotices()));
  button.textContent = wantsNotices() ? "Notifications on" : "Notify me";
}

async function toggle() {
  if (wantsNotices()) localStorage.removeItem(WANTED);
  else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(WANTED, "yes");
  showButton();
}

function showPage() {
  const list = document.getElementById("attention");
  if (list) show(list);
}

if (button) {
  showPage();
  showButton();
  button.addEventListener("click", toggle);
  document.addEventListener("live:refreshed", showPage);
  setInterval(() => ask().catch(() => {}), SECONDS * 1000); // the next one may succeed
}
