// The list of tasks. Only the rows in sight are elements, so that ten thousand tasks scroll as ten do.
import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { timeElement } from "/static/web/time.js";
import { keyOf } from "/static/inbox.js";
import { STATES, answerInShort, badge, latency, verdictBadge } from "/static/words.js";

const ROWS_AROUND = 8; // beside those in sight, for what is scrolled before it is drawn
const narrow = matchMedia("(max-width: 760px)");

/** A row's height in pixels; page.css draws it so. */
export const rowHeight = () => (narrow.matches ? 58 : 36);

/** The numbers of the first row that is an element and of the one behind the last. */
export function inSight(scrollTop, height, rows) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight()) - ROWS_AROUND);
  return [first, Math.min(rows, Math.ceil((scrollTop + height) / rowHeight()) + ROWS_AROUND)];
}

/** The element that scrolls, where there is a list. */
export function scroller() {
  return document.getElementById("tasks");
}

/** The link of a task's row, where that is an element. */
export function rowLink(key) {
  return scroller()?.querySelector(`a[data-key="${CSS.escape(key)}"]`);
}

/** How many rows are below those in sight; endlessly many where there is no list. */
export function rowsBelow() {
  const list = scroller();
  return list ? (list.scrollHeight - list.scrollTop - list.clientHeight) / rowHeight() : Infinity;
}

/** Scroll no further than the row of this number needs. */
export function bringIntoSight(index) {
  const list = scroller();
  const top = index * rowHeight();
  list.scrollTop = Math.min(Math.max(list.scrollTop, top + rowHeight() - list.clientHeight), top);
}

/** Whether a person reads the list: it is scrolled, or the keyboard is at a row. */
export function isListRead() {
  const list = scroller();
  return list !== null && (list.scrollTop > 0 || list.querySelector("a:focus-visible") !== null);
}

/** The list as it is scrolled; `open` is the key of the open story, `hrefOf` gives a task's address. */
export function taskList(inbox, { open, hrefOf, onScroll }) {
  const list = scroller();
  const [first, end] = inSight(list?.scrollTop ?? 0, list?.clientHeight ?? innerHeight, inbox.shown.length);
  const rows = inbox.shown.slice(first, end).map((task, index) => [first + index, inbox.current(task)]);
  return html`
    <div class="row columns" aria-hidden="true">
      <span>State</span><span>Task</span><span class="number">Attempts</span><span>Answered</span>
      <span class="number">After</span><span>Received</span><span class="of-verdict">Signature</span>
    </div>
    <div class="scroller" id="tasks" ?inert=${inbox.isOfEarlierFilter} @scroll=${onScroll}>
      <ul aria-label="Tasks, newest first" .style=${`height: ${inbox.shown.length * rowHeight()}px`}>
        ${repeat(rows, ([, task]) => keyOf(task), ([index, task]) => row(task, index, inbox.shown.length, { open, hrefOf }))}
      </ul>
    </div>`;
}

function row(task, index, rows, { open, hrefOf }) {
  const { newest } = task;
  const key = keyOf(task);
  return html`
    <li aria-posinset=${index + 1} aria-setsize=${rows} .style=${`transform: translateY(${index * rowHeight()}px)`}>
      <a class="row ${task.isFresh ? "fresh" : ""}" href=${hrefOf(key)} data-key=${key} aria-current=${open === key ? "true" : nothing}>
        <span class="of-state">${badge(STATES[task.state])}</span>
        <code class="of-task" title=${key}>${key || "no task"}</code>
        <span class="of-attempts number">${task.deliveries}<span class="unit"> ${task.deliveries === 1 ? "attempt" : "attempts"}</span></span>
        <span class="of-answer">${answerInShort(newest)}</span>
        <span class="of-latency number">${latency(newest)}</span>
        <span class="of-time">${timeElement(newest.received_at)}</span>
        <span class="of-verdict" title="Signature: ${newest.signature.verdict}"><span class="visually-hidden">signature </span>${verdictBadge(newest.signature.verdict)}</span>
      </a>
    </li>`;
}
