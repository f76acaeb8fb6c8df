// Updates the contents of an element to those of another, in place, by idiomorph: it matches children
// by their ids. What the user is doing is left alone: focus, selected text, open <details>, and
// everything inside an element with `data-live-skip`.

import { Idiomorph } from "./vendor/idiomorph/idiomorph.esm.js";

/**
 * @param {Element} old - in the page
 * @param {Element | DocumentFragment} fresh - emptied
 * @returns {boolean} false if selected text was left as it was, for the next time
 */
export function morph(old, fresh) {
  const selection = document.getSelection();
  const range = selection?.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
  const isSelected = (node) => range?.intersectsNode(node) && node.textContent.trim();
  let isComplete = true;
  const leave = () => (isComplete = false);

  Idiomorph.morph(old, [...fresh.childNodes], {
    morphStyle: "innerHTML",
    callbacks: {
      beforeNodeMorphed(node, wanted) {
        if (node.nodeType === Node.ELEMENT_NODE) return !node.hasAttribute("data-live-skip");
        return node.nodeValue === wanted.nodeValue || !isSelected(node) || leave();
      },
      beforeNodeRemoved: (node) => !isSelected(node) || leave(),
      beforeAttributeUpdated: (name) => name !== "open",
    },
  });
  return isComplete;
}
