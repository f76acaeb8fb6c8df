// Makes what is inside an element like that of another one, and changes nothing that is the same:
// what has the focus keeps it, and nothing that is open closes. Children belong together by their
// `id` or `data-key`, else by their place and kind.
//
// What scripts and people have made of a page stays: `style`, whether a <details> is open, what a
// field holds, the attributes that `data-live-keep` names, and all that is inside `data-live-skip`.

const OF_THE_PAGE = new Set(["style", "open"]);

/**
 * @param {Element} old - in the page
 * @param {Element} fresh - what it is to be like; it is used up
 * @returns {boolean} whether all was changed that had to be: what is selected stays for now
 */
export function morph(old, fresh) {
  const selection = document.getSelection();
  const range = selection?.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
  const task = { isSelected: (node) => range?.intersectsNode(node) ?? false, isWhole: true };
  const focused = document.activeElement;
  morphChildren(old, fresh, task);
  if (focused && focused !== document.activeElement) {
    // What is moved loses the focus as well.
    const heir = focused.isConnected ? focused : find(old, focused);
    heir?.focus({ preventScroll: true });
  }
  return task.isWhole;
}

function find(region, lost) {
  if (lost.id) return document.getElementById(lost.id);
  const key = lost.dataset?.key;
  return key ? region.querySelector(`[data-key="${CSS.escape(key)}"]`) : null;
}

function morphChildren(old, fresh, task) {
  const keyed = new Map();
  for (const child of old.children) if (keyOf(child)) keyed.set(keyOf(child), child);
  const wanted = new Set([...fresh.children].map(keyOf));
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    // Spaces between elements count for nothing when these are matched.
    while (isBlank(place) && child.nodeType !== Node.TEXT_NODE) place = remove(place, task);
    const key = keyOf(child);
    const same = key ? keyed.get(key) : likeness(place, child);
    if (!same || same.nodeName !== child.nodeName) {
      old.insertBefore(child, place);
      continue;
    }
    wanted.delete(key);
    // What comes before its own is gone, or comes later: to take it out moves less than to put
    // the others before it.
    if (same === place) place = place.nextSibling;
    else if (isNext(place, same, wanted)) {
      while (place !== same) place = remove(place, task);
      place = place?.nextSibling ?? null;
    } else old.insertBefore(same, place);
    morphNode(same, child, task);
  }
  while (place) place = remove(place, task);
}

/** Whether `same` comes after `place`, and nothing between them is wanted. */
function isNext(place, same, wanted) {
  let node = place;
  while (node && node !== same && !(keyOf(node) && wanted.has(keyOf(node)))) node = node.nextSibling;
  return node === same;
}

function likeness(place, child) {
  return place && place.nodeName === child.nodeName && !keyOf(place) ? place : null;
}

function isBlank(node) {
  return node?.nodeType === Node.TEXT_NODE && !node.data.trim();
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function remove(node, task) {
  const next = node.nextSibling;
  if (task.isSelected(node) && node.textContent.trim()) task.isWhole = false;
  else node.remove();
  return next;
}

function morphNode(old, fresh, task) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue === fresh.nodeValue) return;
    if (task.isSelected(old)) task.isWhole = false;
    else old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-live-skip")) return;
  morphAttributes(old, fresh);
  if (old.nodeName !== "TEXTAREA") morphChildren(old, fresh, task);
}

function morphAttributes(old, fresh) {
  const kept = new Set([...OF_THE_PAGE, ...(fresh.dataset.liveKeep ?? "").split(/\s+/)]);
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !kept.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!kept.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}
