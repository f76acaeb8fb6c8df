// A stretch of the chart, from where the pointer goes down to where it goes up, opens the history of its
// time. Each slot is a link to its own history, which works without this.

let slots = [];
let first = -1;
let last = -1;

function placeAt(x) {
  return slots.findIndex((slot) => x < slot.getBoundingClientRect().right);
}

function mark(isDone) {
  const [from, to] = [Math.min(first, last), Math.max(first, last)];
  slots.forEach((slot, place) => {
    slot.classList.toggle("stretched", !isDone && place >= from && place <= to);
  });
}

function begin(event) {
  const place = event.target.closest("[data-stretch]");
  if (!place || event.button || event.pointerType === "touch") return;
  slots = [...place.children];
  first = last = placeAt(event.clientX);
}

function move(event) {
  if (first < 0) return;
  const place = placeAt(event.clientX);
  last = place < 0 ? slots.length - 1 : place;
  mark(false);
}

function end(event) {
  if (first < 0) return;
  const [from, to] = [Math.min(first, last), Math.max(first, last)];
  mark(true);
  first = -1;
  if (from === to) return; // a click on a link
  const url = new URL(slots[from].href);
  url.searchParams.set("at__lt", new URL(slots[to].href).searchParams.get("at__lt"));
  event.preventDefault();
  location.assign(url);
}

addEventListener("pointerdown", begin);
addEventListener("pointermove", move);
addEventListener("pointerup", end);
