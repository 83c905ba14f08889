// The story of one task: what it came to, each delivery attempt with what lies between, and the alerts that name it.
import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { copyButton } from "/static/web/copy.js";
import { isJson, prettyJson, prettyText } from "/static/web/json.js";
import { duration, timeElement } from "/static/web/time.js";
import { read } from "/static/api.js";
import { alertMessage } from "/static/alerts.js";
import { STATES, answerInWords, badge, counted, isTaken, isUnderWay, latency, outcomeInWords, verdictBadge } from "/static/words.js";

const MOST_ATTEMPTS = 100;
const MOST_ALERTS = 20;
const LONGEST_SHOWN = 200_000; // characters of a body

export class Story {
  deliveries = [];
  alerts = [];
  isLoaded = false;
  error = null;

  #open = new Map(); // by the name of a part: whether a person sees it

  /** `taskId` may be "", for the deliveries of no task. */
  constructor(taskId) {
    this.taskId = taskId;
  }

  /** Read it anew. */
  async refresh() {
    try {
      const [{ callbacks }, { messages }] = await Promise.all([
        read("/callbacks", { task_id: this.taskId, limit: MOST_ATTEMPTS }),
        this.taskId ? read("/slack/messages", { task_id: this.taskId, limit: MOST_ALERTS }) : { messages: [] },
      ]);
      this.error = null;
      this.deliveries = callbacks;
      this.alerts = messages;
      if (!this.isLoaded && callbacks.length) this.#open.set(`body ${callbacks.at(-1).id}`, true);
      this.isLoaded = true;
    } catch (error) {
      this.error = error.message;
    }
  }

  /** Whether a message to Slack may name the task: which do, the receiver knows. */
  mayBeNamedBy(message) {
    return this.taskId !== "" && JSON.stringify(message).includes(this.taskId);
  }

  isOpen(part) {
    return this.#open.get(part) ?? false;
  }

  setOpen(part, isOpen) {
    this.#open.set(part, isOpen);
  }
}

/** The story as a template. */
export function storyView(story, { hrefOf, onClose, redraw }) {
  return html`
    <section class="story panel" aria-labelledby="story-heading">
      <header>
        <div class="title">
          <h2 id="story-heading" tabindex="-1">${story.taskId ? html`Task <code>${story.taskId}</code>` : "Deliveries of no task"}</h2>
          ${story.taskId ? copyButton(story.taskId, "the task's id") : nothing}
        </div>
        <button type="button" class="icon" aria-label="Close the story" title="Close (Escape)" @click=${onClose}>✕</button>
      </header>
      <div class="content">${content(story, { hrefOf, redraw })}</div>
    </section>`;
}

function content(story, { hrefOf, redraw }) {
  if (story.error) return html`<p class="empty" role="alert">The story could not be read: ${story.error}.</p>`;
  if (!story.isLoaded) return html`<p class="empty">Reading …</p>`;
  if (story.deliveries.length === 0) {
    return html`<p class="empty">No delivery of this task has come yet. It appears here when one does.</p>${alertsOf(story, hrefOf)}`;
  }
  return html`
    ${summary(story)}
    <h3>Delivery attempts</h3>
    ${story.deliveries[0].attempt > 1 ? html`<p class="dim">The newest ${story.deliveries.length} are shown.</p>` : nothing}
    <ol class="attempts">
      ${repeat(story.deliveries, (delivery) => delivery.id, (delivery, index) => attempt(story, delivery, story.deliveries[index - 1], redraw))}
    </ol>
    ${alertsOf(story, hrefOf)}`;
}

function summary({ deliveries }) {
  const taken = deliveries.findLast(isTaken);
  const shown = taken ?? deliveries.at(-1);
  const words = outcomeInWords(shown.outcome, shown.body);
  return html`
    <div class="summary">
      ${badge(STATES[stateOf(taken)])}
      <p>${words ?? "The body is no outcome of a task"}${taken ? "." : ", but it was not taken."}</p>
      <p class="dim">${historyInWords(deliveries, taken)}</p>
    </div>`;
}

function stateOf(taken) {
  return taken === undefined ? "not_taken" : (taken.outcome ?? "no_outcome");
}

function historyInWords(deliveries, taken) {
  const tries = counted(deliveries.at(-1).attempt, "delivery attempt");
  if (taken === undefined) return deliveries.length === 1 ? `${tries}, not taken.` : `${tries}, none of them taken.`;
  const seconds = (Date.parse(taken.received_at) - Date.parse(deliveries[0].received_at)) / 1000;
  if (taken.attempt === 1) return `${tries}, taken at once.`;
  return `${tries}; attempt ${taken.attempt} was taken, ${duration(seconds)} after the first.`;
}

function attempt(story, delivery, previous, redraw) {
  const look = isTaken(delivery) ? "good" : isUnderWay(delivery) ? "" : "warn";
  const after = latency(delivery);
  return html`
    <li class="attempt ${look}">
      ${previous ? html`<p class="gap dim">${gap(previous, delivery)}</p>` : nothing}
      <div class="line">
        <span class="sign" aria-hidden="true">${isTaken(delivery) ? "✓" : isUnderWay(delivery) ? "…" : "✕"}</span>
        <strong>Attempt ${delivery.attempt}</strong>
        <span class="dim">${timeElement(delivery.received_at, { digits: 3 })}</span>
      </div>
      <p>${answerInWords(delivery)}${after && html` <span class="dim">${delivery.fault ? ", over" : ""} after ${after}</span>`}</p>
      <p class="signature"><span class="dim">Signature</span> ${verdictBadge(delivery.signature.verdict)}
        ${delivery.signature.reason ? html`<span class="dim">${delivery.signature.reason}</span>` : nothing}</p>
      ${part(story, `headers ${delivery.id}`, "Headers", () => headers(delivery), redraw)}
      ${part(story, `body ${delivery.id}`, bodyTitle(delivery, previous), () => body(delivery), redraw)}
    </li>`;
}

function gap(previous, delivery) {
  const seconds = (Date.parse(delivery.received_at) - Date.parse(previous.received_at)) / 1000;
  return seconds < 0 ? "the clock was set back" : `${duration(seconds)} later`;
}

function bodyTitle(delivery, previous) {
  const size = counted(delivery.raw_body.length, "character");
  return previous?.raw_body === delivery.raw_body ? `Body, the same as before (${size})` : `Body (${size})`;
}

/** Something that is drawn only while it is open: a thousand lines of JSON cost nothing while nobody sees them. */
function part(story, name, title, show, redraw) {
  const toggled = (event) => {
    if (story.isOpen(name) === event.target.open) return;
    story.setOpen(name, event.target.open);
    redraw();
  };
  return html`
    <details ?open=${story.isOpen(name)} @toggle=${toggled}>
      <summary>${title}</summary>
      ${story.isOpen(name) ? show() : nothing}
    </details>`;
}

function headers(delivery) {
  const lines = Object.entries(delivery.headers);
  return html`
    <div class="with-copy">
      <dl class="headers">${lines.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
      ${copyButton(lines.map(([name, value]) => `${name}: ${value}`).join("\n"), "the headers")}
    </div>`;
}

function body(delivery) {
  const raw = delivery.raw_body;
  if (raw === "") return html`<p class="dim">The body is empty.</p>`;
  const isShort = raw.length <= LONGEST_SHOWN;
  const json = isShort && delivery.body !== null && isJson(raw);
  return html`
    <div class="with-copy">
      <pre tabindex="0" aria-label="Body of attempt ${delivery.attempt}">${json ? prettyJson(raw) : raw.slice(0, LONGEST_SHOWN)}</pre>
      ${copyButton(() => (json ? prettyText(raw) : raw), "the body")}
    </div>
    ${isShort ? nothing : html`<p class="dim">The first ${counted(LONGEST_SHOWN, "character")} are shown; Copy takes all.</p>`}`;
}

function alertsOf(story, hrefOf) {
  if (story.alerts.length === 0) return nothing;
  return html`
    <h3>Slack alerts that name it</h3>
    <div class="slack">${story.alerts.map((message) => alertMessage(message, { hrefOf, ownTask: story.taskId }))}</div>`;
}
