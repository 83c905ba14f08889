// The page as a template.
import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { copyButton } from "/static/web/copy.js";
import { connectionBadge } from "/static/web/live.js";
import { catchUp, choosePane, clearFilter, closeStory, emptyInbox, hrefOf, onScroll, run } from "/static/actions.js";
import { alertsPane } from "/static/alerts.js";
import { filterBar } from "/static/filter.js";
import { draw } from "/static/frame.js";
import { misbehaviourView } from "/static/misbehaviour.js";
import { inbox, misbehaviour, state } from "/static/state.js";
import { storyView } from "/static/story.js";
import { taskList } from "/static/task_list.js";
import { counted } from "/static/words.js";

export function page() {
  const { story, alerts } = state;
  const isAlertsView = state.address.pane === "alerts";
  return html`
    ${top()}
    ${state.connection === "polled" ? whatAFunctionKnows() : nothing}
    ${misbehaviourView(misbehaviour, run)}
    <main class="${story ? "with-story" : ""} ${isAlertsView ? "alerts-view" : ""}">
      <section class="tasks panel" aria-labelledby="tasks-heading">
        <h2 id="tasks-heading" class="visually-hidden">Callbacks, by task</h2>
        ${filterBar()}
        ${listOrWhyNot()}
      </section>
      ${story ? storyView(story, { hrefOf, onClose: closeStory, redraw: draw }) : nothing}
      ${alertsPane(alerts, { hrefOf })}
    </main>
    ${emptyDialog()}`;
}

function top() {
  const { alerts, connection } = state;
  const isAlertsView = state.address.pane === "alerts";
  return html`
    <header class="top">
      <h1>Inbox</h1>
      ${connectionBadge(connection)}
      <nav aria-label="Panes" class="panes">
        <button type="button" aria-pressed=${!isAlertsView} @click=${() => choosePane(false)}>Callbacks</button>
        <button type="button" aria-pressed=${isAlertsView} @click=${() => choosePane(true)}>Alerts ${alerts.length || nothing}</button>
      </nav>
      <span class="space"></span>
      <a href="/docs">API</a>
      <button type="button" ?disabled=${!inbox.total() && !alerts.length} @click=${askToEmpty}>Empty …</button>
      <button type="button" class="icon" data-theme-toggle aria-label="Light or dark" title="Light or dark"><span aria-hidden="true">◐</span></button>
    </header>`;
}

function whatAFunctionKnows() {
  return html`
    <aside class="dim" aria-label="What a function knows">This receiver is a function: it shows what one of its environments has
      taken, and forgets it when that ends. The function's log has every callback, by its task_id.</aside>`;
}

function listOrWhyNot() {
  if (inbox.error) return html`<p class="error" role="alert">The inbox could not be read: ${inbox.error}.</p>${inbox.isLoaded ? list() : nothing}`;
  return inbox.isLoaded ? list() : html`<p class="empty">Reading …</p>`;
}

function list() {
  if (inbox.shown.length === 0) return state.address.text || state.address.state ? nothingFound() : nothingYet();
  return html`${waitingButton()}${taskList(inbox, { open: state.address.task, hrefOf, onScroll })}`;
}

function waitingButton() {
  const { waiting } = inbox;
  return html`<div class="waiting">${waiting ? html`<button type="button" class="primary" @click=${catchUp}>↑ ${waiting.toLocaleString("en")} new</button>` : nothing}</div>`;
}

function nothingFound() {
  return html`<div class="empty"><p>No task matches the filter.</p><button type="button" @click=${() => clearFilter({ state: "" })}>Show all</button></div>`;
}

function nothingYet() {
  const curl = `curl ${location.origin}/callback -H 'content-type: application/json' -d '{"task_id": "try-1", "results": [{"sum": 3}], "errors": []}'`;
  return html`
    <div class="empty first-steps">
      <p>No callback has come yet.</p>
      <p>Submit a task of each type: <code>make demo</code> ${copyButton("make demo", "the command")}</p>
      <p>Or deliver a callback yourself: ${copyButton(curl, "the command")}</p>
      <pre tabindex="0">${curl}</pre>
    </div>`;
}

function emptyDialog() {
  const confirmed = async () => {
    if (await emptyInbox()) dialog().close();
  };
  return html`
    <dialog id="empty" aria-labelledby="empty-heading">
      <h2 id="empty-heading">Empty the inbox?</h2>
      <p>All callbacks and Slack alerts are forgotten, whatever the filter (${counted(state.alerts.length, "alert")} among them),
        and attempts are counted from 1 again. What the queues hold is not touched.</p>
      ${state.emptyError ? html`<p class="error" role="alert">Not emptied: ${state.emptyError}.</p>` : nothing}
      <div class="buttons">
        <button type="button" class="primary" @click=${confirmed}>Empty it</button>
        <button type="button" autofocus @click=${() => dialog().close()}>Cancel</button>
      </div>
    </dialog>`;
}

function askToEmpty() {
  state.emptyError = null;
  draw();
  dialog().showModal();
}

function dialog() {
  return document.getElementById("empty");
}
