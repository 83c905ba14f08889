/** The services: who is alive, and what each works on now. */

import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { age, count, duration } from "./words.js";

const SHOWN_AT_ONCE = 2;

/** What is in flight over all consumers of a service, the oldest first, and its slots together. */
export function workOf(service) {
  const inFlight = service.consumers.flatMap((consumer) => consumer.in_flight.map((task) => ({ ...task, queue: consumer.queue })));
  const sum = (what) => service.consumers.reduce((total, consumer) => total + consumer[what], 0);
  return {
    busy: sum("busy"),
    slots: sum("slots"),
    inFlight: inFlight.sort((one, other) => other.since_seconds - one.since_seconds),
  };
}

/** The story of a task in the inbox, where there is one. */
export const storyUrl = (inbox, taskId) => (inbox && taskId ? `${inbox}/?task=${encodeURIComponent(taskId)}` : null);

export function servicesView(state) {
  if (!state.services.length) {
    return html`<p class="empty">The console knows no services: <code>CONSOLE_SERVICES</code> lists them. Functions are none: what they do is in their logs.</p>`;
  }
  return html`
    <table class="services stacked">
      <caption class="visually-hidden">Services: state, and what each works on now</caption>
      <thead>
        <tr>
          <th scope="col">Service</th><th scope="col">State</th><th scope="col" class="number">Up for</th>
          <th scope="col">Slots busy</th><th scope="col">Works on</th>
        </tr>
      </thead>
      <tbody>${repeat(state.services, (service) => `${service.name} ${service.url}`, (service) => serviceView(service, state.links.inbox))}</tbody>
    </table>`;
}

function serviceView(service, inbox) {
  const work = workOf(service);
  return html`
    <tr data-service=${service.name} class=${service.alive ? "" : "dead"}>
      <th scope="row">${service.name} <span class="dim instance">${instance(service)}</span></th>
      <td data-label="State">${stateView(service)}</td>
      <td class="number" data-label="Up for">${age(service.uptime_seconds)}</td>
      <td data-label="Slots busy">${work.slots ? slotsView(work) : html`<span class="dim">–</span>`}</td>
      <td data-label="Works on" class="works-on">${worksOn(service, work, inbox)}</td>
    </tr>`;
}

function instance(service) {
  const process = service.pid == null ? new URL(service.url).host : `pid ${service.pid}`;
  return service.host && service.pid != null ? `${service.host}, ${process}` : process;
}

function stateView(service) {
  if (!service.alive) {
    return html`<span class="state bad"><span aria-hidden="true">✕</span> dead</span> <span class="reason">${service.error}</span>`;
  }
  if (service.ready === false) {
    return html`<span class="state bad"><span aria-hidden="true">!</span> not ready</span>
      <span class="reason">${service.reasons.join("; ")}</span>`;
  }
  return html`<span class="state good"><span aria-hidden="true">✓</span> ready</span>`;
}

const slotsView = ({ busy, slots }) => html`
  <span class="slots"><meter min="0" max=${slots} value=${busy} aria-label="slots busy"></meter>
  <span class="number">${count(busy)} of ${count(slots)}</span></span>`;

function worksOn(service, { inFlight, busy, slots }, inbox) {
  if (!service.alive || !slots) return html`<span class="dim">–</span>`;
  if (!inFlight.length) return html`<span class="dim">${busy ? "" : "nothing at the moment"}</span>`;
  const rest = inFlight.slice(SHOWN_AT_ONCE);
  const more = Math.max(busy, inFlight.length) - SHOWN_AT_ONCE;
  return html`
    <div class="work">
      <div class="tasks">${inFlight.slice(0, SHOWN_AT_ONCE).map((task) => taskView(task, inbox))}</div>
      ${rest.length ? moreView(rest, more, inbox) : nothing}
    </div>`;
}

const moreView = (rest, more, inbox) => html`
  <details class="more">
    <summary>and ${count(more)} more</summary>
    <ul class="panel">${rest.map((task) => html`<li>${taskView(task, inbox)}</li>`)}</ul>
  </details>`;

function taskView(task, inbox) {
  const id = task.task_id ?? task.message_id;
  const url = storyUrl(inbox, task.task_id);
  return html`
    <span class="task" title="${id}, in ${task.queue}${task.settling ? "; its attempt is over, and SQS is being informed" : ""}">
      <code>${url ? html`<a href=${url} target="_blank" rel="noopener">${id.slice(0, 8)}</a>` : id.slice(0, 8)}</code>
      <span class="dim number">${duration(task.since_seconds)}${task.attempt > 1 ? `, attempt ${task.attempt}` : ""}${task.settling ? ", settling" : ""}</span>
    </span>`;
}
