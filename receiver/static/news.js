// Says to those who hear the page what has come: now and then, and only the newest in full.
import { counted } from "/static/words.js";

const SAID_EVERY_MS = 2000;

let unsaid = [];

/** A delivery came. */
export function cameToSay(delivery) {
  unsaid.push(delivery);
}

/** Say from now on, in this element, what came. */
export function sayIn(element) {
  setInterval(() => {
    if (unsaid.length === 0) return;
    element.textContent = newsOf(unsaid);
    unsaid = [];
  }, SAID_EVERY_MS);
}

function newsOf(deliveries) {
  const { task_id, outcome, attempt } = deliveries.at(-1);
  const came = `${counted(deliveries.length, "delivery", "deliveries")} came; the newest`;
  return `${came}: task ${task_id ?? "unknown"}, ${outcome ?? "no outcome"}, attempt ${attempt}`;
}
