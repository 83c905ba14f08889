/** The dead letters that are shown: which queue and filter, what was found, what is chosen, and which one is open. */

import { get } from "./api.js";
import { messages } from "./findings.js";

const MOST = 200;
const SETTLED_MILLISECONDS = 1500;

/** The queues a person can look into: the DLQs, and what nobody consumes. */
export const deadLetterQueues = (queues) => queues.filter((queue) => queue.kind === "dlq" || !queue.consumer);

/** The queue to begin with: the one that needs somebody, else the last, which is where nobody else looks. */
export function firstToLookAt(queues) {
  const held = queues.filter((queue) => messages(queue));
  return (held.find((queue) => !queue.consumer) ?? held[0] ?? queues.at(-1))?.name;
}

/** Asks the console on demand, as each look hides the messages for some seconds from whoever else wants them. */
export class DeadLetters {
  constructor(onChange) {
    this.onChange = onChange;
    this.queue = null;
    this.filter = { reason: "", task_type: "" };
    this.answer = null;
    this.error = null;
    this.isLooking = false;
    this.chosen = new Set();
    this.open = null;
    this.details = null;
    this.depth = null;
    this.foundDepth = null;
    this.lookedForDepth = null;
    this.timer = null;
    this.asked = 0;
  }

  /** Look into another queue. */
  show(queue) {
    if (queue === this.queue) return;
    this.queue = queue;
    this.answer = this.open = this.details = null;
    this.chosen.clear();
    this.look();
  }

  /** Look again. What was chosen stays chosen where it is still there. */
  async look() {
    const asked = ++this.asked;
    clearTimeout(this.timer);
    this.timer = null;
    // What this look does not explain, a second one would not either.
    this.lookedForDepth = this.depth;
    this.change({ isLooking: true, error: null });
    try {
      const answer = await get("/api/dead-letters", { queue: this.queue, ...this.filter, limit: MOST });
      if (asked === this.asked) this.found(answer);
    } catch (error) {
      if (asked === this.asked) this.change({ isLooking: false, error: error.message });
    }
  }

  found(answer) {
    const ids = new Set(answer.messages.map((letter) => letter.message_id));
    this.chosen = new Set([...this.chosen].filter((id) => ids.has(id)));
    this.foundDepth = answer.queues.reduce((sum, queue) => sum + queue.messages + queue.in_flight, 0);
    if (!ids.has(this.open)) this.open = this.details = null;
    this.change({ answer, isLooking: false });
  }

  /** Look again where the queue no longer holds what was found, as soon as it stays so; told with every sample. */
  noteDepth(depth) {
    this.depth = depth;
    const isKnown = this.isLooking || depth === this.foundDepth || depth === this.lookedForDepth;
    if (isKnown) {
      clearTimeout(this.timer);
      this.timer = null;
    } else {
      this.timer ??= setTimeout(() => this.look(), SETTLED_MILLISECONDS);
    }
  }

  /** Show only what has these; looks again. */
  filterBy(filter) {
    this.filter = { ...this.filter, ...filter };
    this.look();
  }

  get letters() {
    return this.answer?.messages ?? [];
  }

  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    this.onChange();
  }

  chooseAll(isChosen) {
    this.chosen = new Set(isChosen ? this.letters.map((letter) => letter.message_id) : []);
    this.onChange();
  }

  /** Unfold one with all that is known of it, or fold it. */
  async toggle(id) {
    if (this.open === id) return this.change({ open: null, details: null });
    this.change({ open: id, details: null });
    try {
      const details = await get(`/api/dead-letters/${encodeURIComponent(id)}`);
      if (this.open === id) this.change({ details });
    } catch (error) {
      if (this.open === id) this.change({ details: { error: error.message } });
    }
  }

  change(what) {
    Object.assign(this, what);
    this.onChange();
  }
}
