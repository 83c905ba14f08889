// The tasks that the list shows: a beginning of the receiver's own order, newest first, read again when something came.
// While a person reads, what is shown stands still: rows change in their place, and what is new waits.
import { read } from "/static/api.js";

export const PAGE_SIZE = 100;

/** A task's key in the list; all deliveries of no task are one. */
export const keyOf = (task) => task.task_id ?? "";

export class Inbox {
  /** Shown, in order. */
  shown = [];
  /** Tasks by state, of all that have the text. */
  states = {};
  filter = { text: "", state: "" };
  isLoaded = false;
  /** Why the receiver could not be read, or null. */
  error = null;

  #newest = []; // the receiver's order from the newest on, as it was last read
  #heard = new Set(); // keys of tasks of which deliveries came since
  #byKey = new Map();
  #held = null; // the newest delivery that was there when the list was to stand still
  #hasOlder = false;
  #isReadingOlder = false;
  #isOfEarlierFilter = false;
  #generation = 0; // of the filter: what was asked for an earlier one comes too late

  get isHeld() {
    return this.#held !== null;
  }

  /** Whether what is shown is of an earlier filter than the one that is set. */
  get isOfEarlierFilter() {
    return this.#isOfEarlierFilter;
  }

  /** How many tasks have something new that is not shown. */
  get waiting() {
    return this.isHeld ? this.#newest.filter((task) => task.newest.id > this.#held).length : 0;
  }

  /** The task as it is now, for a row that may stand where it was. */
  current(task) {
    return this.#byKey.get(keyOf(task)) ?? task;
  }

  total() {
    return Object.values(this.states).reduce((sum, count) => sum + count, 0);
  }

  /** Show other tasks; what stood still is let go. */
  setFilter(filter) {
    const isOther = Object.entries(filter).some(([name, value]) => value !== this.filter[name]);
    this.filter = { ...this.filter, ...filter };
    this.#isOfEarlierFilter ||= isOther;
    this.forget();
  }

  /** Read all anew with the next refresh: the stream was away, or the filter is another. */
  forget() {
    this.#generation += 1;
    this.#newest = [];
    this.#hasOlder = false;
  }

  /** Let the list, where there is one, stand still, or follow what comes. */
  hold(isHeld) {
    if (isHeld === this.isHeld || !this.isLoaded) return;
    this.#held = isHeld ? newestOf(this.shown) : null;
    if (!isHeld && this.#newest.length) this.shown = this.#newest; // what is forgotten stays in sight until it is read anew
  }

  /** A delivery of this task came. */
  heard(taskId) {
    this.#heard.add(taskId ?? "");
  }

  /** A delivery was answered. */
  answered({ task_id, id, answered_after_ms, fault }) {
    const task = this.#byKey.get(task_id ?? "");
    if (task?.newest.id === id) Object.assign(task.newest, { answered_after_ms, fault });
  }

  /** Read the newest tasks and put them before those that are known. */
  async refresh() {
    const generation = this.#generation;
    const heard = this.#heard;
    this.#heard = new Set();
    const page = await this.#read({});
    if (page === null || generation !== this.#generation) return;
    if (this.#newest.length) this.#markFresh(page.tasks);
    this.isLoaded = true;
    this.states = page.states;
    const known = behind(page.tasks, this.#newest, heard);
    this.#hasOlder = page.tasks.length === PAGE_SIZE && (known.length === 0 || this.#hasOlder);
    this.#newest = [...page.tasks, ...known];
    const isEmptied = page.tasks.length === 0;
    this.#index(page.tasks);
    if (!this.isHeld || isEmptied || this.#isOfEarlierFilter || this.shown.length === 0) this.#showNewest();
  }

  /** Read the tasks behind the last that is shown. */
  async older() {
    const last = this.shown.at(-1);
    if (!this.#hasOlder || this.#isReadingOlder || last === undefined) return;
    this.#isReadingOlder = true;
    const generation = this.#generation;
    const page = await this.#read({ before: last.newest.id });
    this.#isReadingOlder = false;
    if (page === null || generation !== this.#generation) return;
    this.#append(last, page.tasks);
  }

  #showNewest() {
    this.#isOfEarlierFilter = false;
    this.shown = this.#newest;
    if (this.isHeld) this.#held = newestOf(this.shown);
  }

  #append(last, older) {
    const shown = new Set(this.shown.map(keyOf));
    const continuesNewest = keyOf(this.#newest.at(-1) ?? last) === keyOf(last);
    this.#hasOlder = older.length === PAGE_SIZE;
    this.#index(older);
    if (continuesNewest) this.#newest = [...this.#newest, ...older];
    this.shown = this.isHeld ? [...this.shown, ...older.filter((task) => !shown.has(keyOf(task)))] : this.#newest;
  }

  #markFresh(tasks) {
    for (const task of tasks) {
      const known = this.#byKey.get(keyOf(task));
      task.isFresh = known?.newest.id === task.newest.id ? known.isFresh : true;
    }
  }

  #index(tasks) {
    if (!this.isHeld) this.#byKey = new Map(this.#newest.map((task) => [keyOf(task), task]));
    for (const task of tasks) this.#byKey.set(keyOf(task), task);
  }

  async #read(page) {
    const { text, state } = this.filter;
    try {
      const tasks = await read("/tasks", { text: text || null, state: state || null, limit: PAGE_SIZE, ...page });
      this.error = null;
      return tasks;
    } catch (error) {
      this.error = error.message;
      return null;
    }
  }
}

function newestOf(tasks) {
  return tasks[0]?.newest.id ?? 0;
}

/**
 * The known tasks that stand behind a page of the newest ones. None where the page does not reach back to them: what came
 * between is unknown. One that was heard of and is not on the page is no longer among those of the filter.
 */
export function behind(page, known, heard) {
  if (page.length < PAGE_SIZE || known.length === 0) return [];
  const end = page.at(-1).newest.id;
  if (known[0].newest.id < end) return [];
  const onPage = new Set(page.map(keyOf));
  return known.filter((task) => task.newest.id < end && !onPage.has(keyOf(task)) && !heard.has(keyOf(task)));
}
