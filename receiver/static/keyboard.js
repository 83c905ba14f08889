// The page by keyboard: / to the filter, arrows over the list, Enter (a link's own) to open a story, Escape to leave.
import { clearFilter, closeStory } from "/static/actions.js";
import { draw, drawn } from "/static/frame.js";
import { keyOf } from "/static/inbox.js";
import { inbox, state } from "/static/state.js";
import { bringIntoSight, rowLink } from "/static/task_list.js";

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const { key, target } = event;
  if (key === "/" && !target.matches("input, select, textarea")) {
    event.preventDefault();
    document.getElementById("filter").focus();
  } else if (key === "Escape" && target.id === "filter" && target.value) {
    clearFilter();
  } else if (key === "Escape" && state.story) {
    closeStory();
  } else if (key in STEPS && isOfList(target)) {
    event.preventDefault();
    moveFocus(STEPS[key]);
  }
}

function isOfList(element) {
  return element === document.body || element.id === "filter" || element.closest("#tasks") !== null;
}

let focused = null; // the key of the row that the arrows have come to; it may be out of sight, and no element

async function moveFocus(step) {
  const active = document.activeElement;
  const key = active.dataset.key ?? (active === document.body ? focused : null);
  const at = inbox.shown.findIndex((task) => keyOf(task) === key);
  const index = Math.min(Math.max(at + step, 0), inbox.shown.length - 1);
  if (index < 0) return;
  focused = keyOf(inbox.shown[index]);
  bringIntoSight(index);
  draw();
  await drawn();
  rowLink(focused)?.focus({ preventScroll: true });
}
