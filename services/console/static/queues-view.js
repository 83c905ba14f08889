/** The queues, one row each, with the DLQ of a queue beside it. */

import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { isUnclaimed, messages } from "./findings.js";
import { sparkline } from "./sparkline.js";
import { age, count } from "./words.js";

const SIGN = { warn: "!", bad: "✕", note: "·" };

/** A row for each queue that is no DLQ: `{queue, dlq, found}`, what is found being of either. */
export function rowsOf(queues, found) {
  const byName = new Map(queues.map((queue) => [queue.name, queue]));
  return queues.filter((queue) => queue.kind !== "dlq").map((queue) => {
    const dlq = byName.get(queue.dead_letter_queue);
    const ownDlq = dlq?.kind === "dlq" ? dlq : undefined;
    return { queue, dlq: ownDlq, found: found.filter((one) => one.queue && [queue.name, ownDlq?.name].includes(one.queue)) };
  });
}

export function queuesView(state, found) {
  return html`
    <table class="queues stacked">
      <caption class="visually-hidden">Queues: what each holds now, and its dead-letter queue</caption>
      <thead>
        <tr>
          <th scope="col">Queue</th>
          <th scope="col" class="number">Waiting</th>
          <th scope="col" class="number">In flight</th>
          <th scope="col" class="number">Delayed</th>
          <th scope="col" class="number">Oldest</th>
          <th scope="col">
            <span class="key"><i class="key-waiting"></i>waiting <i class="key-in-flight"></i>in flight, 5 min</span>
          </th>
          <th scope="col" class="number">Attempts</th>
          <th scope="col">DLQ</th>
          <th scope="col">Remarks</th>
        </tr>
      </thead>
      <tbody>${repeat(rowsOf(state.queues, found), (row) => row.queue.name, (row) => rowView(row, state.sample_seconds))}</tbody>
    </table>`;
}

function rowView({ queue, dlq, found }, sampleSeconds) {
  return html`
    <tr data-queue=${queue.name}>
      <th scope="row">${queue.consumer || isUnclaimed(queue) ? queue.name : deadLettersLink(queue)}</th>
      ${numberCell("Waiting", queue.waiting)}
      ${numberCell("In flight", queue.in_flight)}
      ${numberCell("Delayed", queue.delayed)}
      <td class="number" data-label="Oldest">${oldest(queue)}</td>
      <td class="course" data-label="Last 5 min">${sparkline(queue.history, sampleSeconds)}</td>
      <td class="number" data-label="Attempts">${queue.max_attempts ? html`<span title="at most, then it goes to the DLQ">≤ ${queue.max_attempts}</span>` : dim("–")}</td>
      <td class="dlq-cell" data-label="DLQ">${dlq ? dlqView(dlq) : dim("–")}</td>
      <td class="remarks" data-label="Remarks">${found.length ? found.map(foundView) : dim("nothing wrong")}</td>
    </tr>`;
}

const numberCell = (label, number) =>
  html`<td class="number" data-label=${label}>${number ? html`<strong>${count(number)}</strong>` : dim(count(number))}</td>`;

function oldest(queue) {
  if (queue.oldest_seconds == null) return dim("–");
  return `${queue.oldest_is_at_least ? "≥ " : ""}${age(queue.oldest_seconds)}`;
}

function dlqView(dlq) {
  const held = messages(dlq);
  return html`<span class="dlq">${isUnclaimed(dlq) ? dlq.name : deadLettersLink(dlq)}
    <span class="number ${held ? `state ${dlq.waiting ? "bad" : "warn"}` : "dim"}" title="messages in the DLQ">${dlq.error ? "–" : count(held)}</span></span>`;
}

const deadLettersLink = (queue) => html`<a href="#dead-letters/${queue.name}">${queue.name}</a>`;

const foundView = ({ level, text }) => html`<span class="finding ${level}"><span aria-hidden="true">${SIGN[level]}</span> ${text}</span>`;

const dim = (text) => (text === nothing ? nothing : html`<span class="dim">${text}</span>`);
