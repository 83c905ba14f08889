/** The line on top: whether anything is wrong, in a sentence. */

import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { listed, plural } from "./words.js";

const SIGN = { good: "✓", warn: "!", bad: "✕", note: "…" };
const WORD = { good: "Well", warn: "Attention", bad: "Wrong", note: "To know" };

/**
 * What to say of the state's findings: `{level, text, link?, more: [finding, …]}`.
 *
 * With nothing wrong it says who is there; what is only to be known then comes after it.
 */
export function verdict(state, found, connection) {
  if (connection === "lost") return { level: "bad", text: lost(state), more: [] };
  if (!state) return { level: "note", text: "Waiting for the first sample.", more: [] };
  if (found.length && found[0].level !== "note") {
    const [{ level, text, link }, ...more] = found;
    return { level, text: sentence(text), link, more };
  }
  return { level: "good", text: `All well: ${whoIsThere(state.services)}.`, more: found };
}

function lost(state) {
  if (!state) return "The console does not answer: is it still running?";
  return `The console does not answer: what is shown is of ${new Date(state.at * 1000).toLocaleTimeString("en-GB")}.`;
}

function whoIsThere(services) {
  if (!services.length) return "the queues answer; the console knows no services (CONSOLE_SERVICES)";
  const workers = services.filter((service) => service.name.startsWith("worker-")).length;
  const others = new Set(services.map((service) => service.name).filter((name) => !name.startsWith("worker-")));
  const names = [...(workers ? [plural(workers, "worker")] : []), ...[...others].map((name) => PEOPLE_CALL[name] ?? name)];
  return `${listed(names)} ${services.length === 1 ? "is" : "are"} ready`;
}

const PEOPLE_CALL = { "api": "the API", "dlq-watcher": "the DLQ watcher" };

const sentence = (text) => text.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());

/** The line, and what there is besides to be unfolded over the page: so nothing below it ever moves. */
export function verdictView({ level, text, link, more }) {
  return html`
    <p class="verdict-line" role="status">
      <span class="state ${level}"><span aria-hidden="true">${SIGN[level]}</span> ${WORD[level]}</span>
      <span>${text}</span>
      ${link ? html`<a href=${link.href}>${link.text}</a>` : nothing}
    </p>
    <details class="more" ?hidden=${!more.length}>
      <summary>and ${more.length} more</summary>
      <ul class="panel">${more.map(moreView)}</ul>
    </details>`;
}

const moreView = ({ level, text, link }) => html`
  <li>
    <span class="state ${level}"><span aria-hidden="true">${SIGN[level]}</span> ${WORD[level]}</span>
    <span>${sentence(text)} ${link ? html`<a href=${link.href}>${link.text}</a>` : nothing}</span>
  </li>`;
