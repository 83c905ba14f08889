/** The dead letters that are shown: which queue and filter, what was found, what is chosen, and which one is open. */

import { get } from "./api.js";
import { messages } from "./findings.js";
import { addressOf } from "./views.js";

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
    this.typed = "";
    this.answer = null;
    this.error = null;
    this.isLooking = false;
    this.chosen = new Set();
    this.open = null;
    this.details = null;
    this.reading = null;
    this.depth = null;
    this.foundDepth = null;
    this.lookedForDepth = null;
    this.timer = null;
    this.asked = 0;
  }

  /** The address of what is shown. */
  get address() {
    return addressOf("dead-letters", this.queue, { ...this.filter, open: this.open });
  }

  /** Whether a reason is typed that nobody has looked for yet: what is shown, and what all are, is by another one. */
  get isFilterPending() {
    return this.typed !== this.filter.reason;
  }

  /** Show what an address names; looks where that is another queue or filter, and nothing of before stays in sight. */
  show(queue, { reason = "", task_type = "", open = null }) {
    if (queue === this.queue && this.isFilteredBy({ reason, task_type })) return this.unfold(open);
    Object.assign(this, { queue, filter: { reason, task_type }, typed: reason, open, details: null, answer: null, error: null });
    this.chosen.clear();
    this.look();
  }

  isFilteredBy({ reason, task_type }) {
    return reason === this.filter.reason && task_type === this.filter.task_type;
  }

  /** Look again after a redrive: what it may have moved is not shown any more. */
  lookAfterRedrive() {
    this.answer = null;
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
    this.change({ isLooking: true });
    try {
      const answer = await get("/api/dead-letters", { queue: this.queue, ...this.filter, limit: MOST });
      if (asked === this.asked) this.found(answer);
    } catch (error) {
      if (asked === this.asked) this.change({ isLooking: false, error });
    }
  }

  found(answer) {
    const ids = new Set(answer.messages.map((message) => message.message_id));
    this.chosen = new Set([...this.chosen].filter((id) => ids.has(id)));
    this.foundDepth = answer.queues.reduce((sum, queue) => sum + queue.messages + queue.in_flight, 0);
    if (!ids.has(this.open)) this.open = this.details = null;
    this.change({ answer, isLooking: false, error: null });
    if (this.open && !this.details) this.readDetails();
  }

  /** Ask again for what could not be had and may be there now, called with every sample, by which the console answers. */
  retry() {
    if (this.error?.mayPass && !this.isLooking) this.look();
    if (this.details?.error?.mayPass) this.readDetails();
  }

  /** Look again where the queue no longer holds what was found, as soon as it stays so, called with every sample. */
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

  get messages() {
    return this.answer?.messages ?? [];
  }

  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id);
    else this.chosen.delete(id);
    this.onChange();
  }

  chooseAll(isChosen) {
    this.chosen = new Set(isChosen ? this.messages.map((message) => message.message_id) : []);
    this.onChange();
  }

  toggle(id) {
    this.unfold(this.open === id ? null : id);
  }

  /** Show all that is known of one, or of none. */
  unfold(id) {
    if (this.open === id) return;
    this.change({ open: id, details: null });
    if (id && this.answer) this.readDetails();
  }

  async readDetails() {
    const id = this.open;
    if (this.reading === id) return;
    this.reading = id;
    const details = await get(`/api/dead-letters/${encodeURIComponent(id)}`).catch((error) => ({ error }));
    if (this.reading === id) this.reading = null;
    if (this.open === id) this.change({ details });
  }

  change(what) {
    Object.assign(this, what);
    this.onChange();
  }
}
