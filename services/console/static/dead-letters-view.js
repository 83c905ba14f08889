/** The dead letters on the page: a choice of queue, filters, the list, and what is known of one. */

import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { live } from "/static/web/vendor/lit-html/directives/live.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { copyButton } from "/static/web/copy.js";
import { prettyJson } from "/static/web/json.js";
import { timeElement } from "/static/web/time.js";
import { deadLetterQueues } from "./dead-letters.js";
import { stringify } from "./exact-json.js";
import { messages } from "./findings.js";
import { storyUrl } from "./services-view.js";
import { addressOf } from "./views.js";
import { age, count, plural } from "./words.js";

/** `actions` are `redrive(selection)`, with a selection as the redrive dialog takes it, and `filter({reason, task_type})`. */
export function deadLettersView(state, deadLetters, actions) {
  return html`
    ${queueChoice(state.queues, deadLetters)}
    ${filters(deadLetters, taskTypesOf(state.queues), actions)}
    <p class="dim hint">A look receives the messages and gives them back: for some seconds the DLQ watcher, and other commands, cannot see
      them. So it is made when you open a queue, when the queue changes, and on Look again.</p>
    ${deadLetters.error ? html`<p class="problem" role="alert">${deadLetters.error.message}</p>` : nothing}
    ${deadLetters.answer ? found(state, deadLetters, actions) : html`<p class="empty">${deadLetters.isLooking ? "Looking …" : ""}</p>`}`;
}

const queueChoice = (queues, { queue: shown, filter }) => html`
  <nav class="choice" aria-label="Queue">
    ${deadLetterQueues(queues).map((queue) => html`
      <a href=${addressOf("dead-letters", queue.name, filter)} aria-current=${queue.name === shown ? "true" : nothing}>
        ${queue.name} <span class="number ${messages(queue) ? "state bad" : "dim"}">${count(messages(queue))}</span>
      </a>`)}
  </nav>`;

const taskTypesOf = (queues) => queues.filter((queue) => queue.kind === "source" && queue.name !== "callbacks").map((queue) => queue.name);

function filters(deadLetters, taskTypes, actions) {
  const { filter, isLooking } = deadLetters;
  const filterBy = (event) => {
    event.preventDefault();
    actions.filter(Object.fromEntries(new FormData(event.target.form ?? event.target)));
  };
  // One that no queue has any more may stand in the address.
  const offered = new Set(["", ...taskTypes, filter.task_type]);
  return html`
    <form class="bar" role="search" aria-label="Dead letters" @submit=${filterBy} @change=${filterBy}>
      <label>Reason contains <input name="reason" type="search" size="24" autocomplete="off" .value=${live(deadLetters.typed)}
        @input=${(event) => deadLetters.change({ typed: event.target.value })}></label>
      <label>Task type
        <select name="task_type">
          ${[...offered].map((name) => html`<option value=${name} .selected=${live(name === filter.task_type)}>${name || "all"}</option>`)}
        </select>
      </label>
      <button ?disabled=${isLooking}>${isLooking ? "Looking …" : "Look again"}</button>
    </form>`;
}

function found(state, deadLetters, actions) {
  const shown = deadLetters.messages;
  if (!shown.length) return html`<p class="empty">${nothingFound(deadLetters)}</p>`;
  return html`
    ${redriveBar(deadLetters, actions)}
    <table class="dead-messages stacked">
      <caption class="visually-hidden">Messages in ${deadLetters.queue}</caption>
      <thead>
        <tr>
          <td class="box"></td>
          <th scope="col">Task</th><th scope="col">Type</th><th scope="col" class="number">Age</th>
          <th scope="col" class="number">Attempts</th><th scope="col">Reason</th>
        </tr>
      </thead>
      <tbody>${repeat(shown, (message) => message.message_id, (message) => messageRows(message, state, deadLetters, actions))}</tbody>
    </table>
    ${deadLetters.answer.complete ? nothing : html`<p class="dim hint">These ${count(shown.length)} were found first: there may be more. A filter finds them.</p>`}`;
}

function nothingFound({ queue, filter, answer }) {
  const hidden = answer.queues.reduce((sum, each) => sum + each.in_flight, 0);
  if (hidden) {
    return `Nothing to be seen in ${queue}; ${plural(hidden, "message")} cannot be seen now: in the hands of the DLQ watcher or of another look.`;
  }
  return filter.reason || filter.task_type ? `No message in ${queue} matches.` : `${queue} is empty.`;
}

function redriveBar(deadLetters, { redrive }) {
  const { chosen, queue, filter, messages: shown } = deadLetters;
  const isFiltered = Boolean(filter.reason || filter.task_type);
  const all = { queue, ...(isFiltered ? { reason: filter.reason || null, task_type: filter.task_type || null } : { all: true }) };
  return html`
    <div class="bar redrive">
      <label><input type="checkbox" .checked=${live(chosen.size === shown.length)} .indeterminate=${chosen.size > 0 && chosen.size < shown.length}
        @change=${(event) => deadLetters.chooseAll(event.target.checked)}> Choose all shown</label>
      <button class="primary" ?disabled=${!chosen.size} @click=${() => redrive({ ids: [...chosen], queue })}>Redrive the chosen …</button>
      <button ?disabled=${deadLetters.isFilterPending} @click=${() => redrive(all)}>${isFiltered || deadLetters.isFilterPending ? "Redrive all that match …" : "Redrive all …"}</button>
      <span class="dim number" role="status">${count(chosen.size)} of ${plural(shown.length, "message")} chosen</span>
    </div>`;
}

function messageRows(message, state, deadLetters, actions) {
  const id = message.message_id;
  const isOpen = deadLetters.open === id;
  const name = message.task_id ?? id;
  return html`
    <tr data-message=${id} class=${isOpen ? "open" : ""}>
      <td class="box"><input type="checkbox" aria-label="Choose ${name}" .checked=${live(deadLetters.chosen.has(id))}
        @change=${(event) => deadLetters.choose(id, event.target.checked)}></td>
      <td data-label="Task"><button class="unfold" aria-expanded=${isOpen} @click=${() => deadLetters.toggle(id)}>
        <code>${message.task_id ?? html`<span class="dim">message</span> ${id}`}</code></button></td>
      <td data-label="Type">${message.task_type ?? html`<span class="dim">unknown</span>`}</td>
      <td data-label="Age" class="number">${age(message.age_seconds)}</td>
      <td data-label="Attempts" class="number">${count(message.attempts)}</td>
      <td data-label="Reason" class="reason"><div class="two-lines">${message.reason}</div></td>
    </tr>
    ${isOpen ? html`<tr class="details"><td colspan="6">${details(message, deadLetters.details, state.links.inbox, actions)}</td></tr>` : nothing}`;
}

function details(message, known, inbox, { redrive }) {
  if (!known) return html`<p class="dim">Looking …</p>`;
  if (known.error) return html`<p class="problem" role="alert">${known.error.message}</p>`;
  const content = ["request", "outcome", "body"].find((name) => name in known);
  const story = storyUrl(inbox, message.task_id);
  return html`
    <p class="bar">
      <button class="primary" @click=${() => redrive({ ids: [message.message_id], queue: message.queue })}>Redrive this one …</button>
      ${story ? html`<a href=${story} target="_blank" rel="noopener">Its story in the inbox</a>` : nothing}
    </p>
    <dl>
      ${fact("Task", message.task_id && html`<code>${message.task_id}</code> ${copyButton(message.task_id, "the task id")}`)}
      ${fact("Reason", known.reason)}
      ${fact("Attempts", known.attempts == null ? null : count(known.attempts))}
      ${fact("Redrives to", known.redrives_to ?? "nobody knows: it does not say where it came from")}
      ${fact("Callback", known.callback_url)}
      ${fact("Message group", known.message_group_id)}
      ${fact("Accepted", known.accepted_at && timeElement(known.accepted_at))}
      ${fact("Here since", timeElement(known.sent_at))}
      ${fact("SQS message", known.message_id)}
    </dl>
    ${known.trace ? html`<div class="title"><h3>Stack trace</h3> ${copyButton(known.trace, "the stack trace")}</div><pre tabindex="0">${known.trace}</pre>` : nothing}
    <div class="title"><h3>${TITLES[content]}</h3> ${copyButton(textOf(known[content]), `the ${content}`)}</div>
    <pre class="json" tabindex="0">${contentView(known[content])}</pre>`;
}

const TITLES = { request: "Request", outcome: "Outcome", body: "Body" };

const contentView = (value) => (typeof value === "string" ? value : prettyJson(stringify(value)));

const textOf = (value) => (typeof value === "string" ? value : stringify(value, 2));

const fact = (name, value) => (value == null ? nothing : html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
