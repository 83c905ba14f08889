// The page: what it knows, what changes it, and how it is drawn (at most once a frame).
import { html, nothing, render } from "/static/web/vendor/lit-html/lit-html.js";
import { live } from "/static/web/vendor/lit-html/directives/live.js";
import { copyButton } from "/static/web/copy.js";
import { connectionBadge, listen } from "/static/web/live.js";
import { addressOf, readAddress } from "/static/address.js";
import { alertsPane } from "/static/alerts.js";
import { change, read } from "/static/api.js";
import { Inbox, keyOf } from "/static/inbox.js";
import { Misbehaviour, misbehaviourView } from "/static/misbehaviour.js";
import { repeated } from "/static/repeated.js";
import { Story, storyView } from "/static/story.js";
import { rowHeight, taskList } from "/static/task_list.js";
import { STATES, counted } from "/static/words.js";

const REST_MS = 250; // between two readings of the same, however much comes
const FILTER_AFTER_MS = 200; // without another key
const MOST_ALERTS = 100;
const OLDER_WITHIN_ROWS = 20; // of the list's end
const SAID_EVERY_MS = 2000; // to those who hear the page

const inbox = new Inbox();
const misbehaviour = new Misbehaviour();
let address = readAddress();
let story = null;
let alerts = [];
let connection = "connecting";
let isAlertsView = false; // where there is room for one pane only
let unseen = [];

// --- what the page reads ---------------------------------------------------------------------------------------------

const refreshTasks = repeated(async () => {
  await inbox.refresh();
  await readOlderIfNear();
  draw();
}, REST_MS);

const refreshStory = repeated(async () => {
  await story?.refresh();
  draw();
}, REST_MS);

const refreshAlerts = repeated(async () => {
  try {
    alerts = (await read("/slack/messages", { limit: MOST_ALERTS })).messages;
    draw();
  } catch {
    // the badge of the connection says that the receiver does not answer
  }
}, REST_MS);

const refreshMisbehaviour = repeated(async () => {
  await misbehaviour.refresh();
  draw();
}, REST_MS);

function refreshAll() {
  inbox.forget();
  refreshTasks();
  refreshStory();
  refreshAlerts();
  refreshMisbehaviour();
}

async function readOlderIfNear() {
  const list = scroller();
  if (!list) return;
  const rowsBelow = (list.scrollHeight - list.scrollTop - list.clientHeight) / rowHeight();
  if (rowsBelow < OLDER_WITHIN_ROWS) await inbox.older();
}

const HANDLERS = {
  callback(delivery) {
    inbox.heard(delivery.task_id);
    unseen.push(delivery);
    refreshTasks();
    if (story?.taskId === (delivery.task_id ?? "")) refreshStory();
    if (misbehaviour.standing?.deliveries) refreshMisbehaviour();
  },
  answered(answered) {
    inbox.answered(answered);
    refreshTasks();
    if (story?.taskId === (answered.task_id ?? "")) refreshStory();
  },
  alert(message) {
    refreshAlerts();
    if (story?.taskId && JSON.stringify(message).includes(story.taskId)) refreshStory(); // it knows which are its own
  },
  cleared: refreshAll,
  misbehaviour(standing) {
    misbehaviour.stands(standing);
    draw();
  },
};

function onConnection(state) {
  connection = state;
  if (state === "live") refreshAll();
  draw();
}

// --- what a person does ----------------------------------------------------------------------------------------------

function hrefOf(task) {
  return addressOf({ ...address, task });
}

function show(task) {
  if (task === address.task) return;
  address = { ...address, task };
  history.pushState(null, "", addressOf(address));
  showStory();
}

function showStory() {
  story = address.task === null ? null : new Story(address.task);
  isAlertsView = false;
  if (story) refreshStory();
  draw();
}

async function openByPerson(task) {
  show(task);
  await drawn();
  document.getElementById("story-heading")?.focus();
}

async function closeStory() {
  const key = address.task;
  show(null);
  await drawn();
  rowLink(key)?.focus({ preventScroll: true });
}

function setFilter(filter) {
  address = { ...address, ...filter };
  history.replaceState(null, "", addressOf(address));
  inbox.setFilter({ text: address.text, state: address.state });
  catchUp();
  refreshTasks();
}

let typing;
function onFilterTyped(event) {
  clearTimeout(typing);
  const text = event.target.value.trim();
  typing = setTimeout(() => setFilter({ text }), FILTER_AFTER_MS);
}

/** Show what has waited. */
function catchUp() {
  inbox.hold(false);
  const list = scroller();
  if (list) list.scrollTop = 0;
  draw();
}

async function empty(dialog) {
  dialog.close();
  try {
    await Promise.all([change("DELETE", "/callbacks"), change("DELETE", "/slack/messages")]);
  } catch {
    return; // the badge of the connection says that the receiver does not answer
  }
  show(null);
  refreshAll();
}

async function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.matches("input, select, textarea");
  if (event.key === "/" && !isTyping) {
    event.preventDefault();
    document.getElementById("filter").focus();
  } else if (event.key === "Escape" && event.target.id === "filter" && event.target.value) {
    event.target.value = "";
    setFilter({ text: "" });
  } else if (event.key === "Escape" && story) {
    await closeStory();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && isOfList(event.target)) {
    event.preventDefault();
    await moveFocus(event.key === "ArrowDown" ? 1 : -1);
  }
}

function isOfList(element) {
  return element === document.body || element.id === "filter" || element.closest("#tasks") !== null;
}

let focused = null; // the key of the row that the arrows have come to

async function moveFocus(step) {
  const key = document.activeElement.dataset.key ?? (document.activeElement === document.body ? focused : null);
  const at = inbox.shown.findIndex((task) => keyOf(task) === key);
  const index = Math.min(Math.max(at + step, 0), inbox.shown.length - 1);
  if (index < 0) return;
  focused = keyOf(inbox.shown[index]);
  bringIntoSight(index);
  draw();
  await drawn();
  rowLink(focused)?.focus({ preventScroll: true });
}

function bringIntoSight(index) {
  const list = scroller();
  const top = index * rowHeight();
  list.scrollTop = Math.min(Math.max(list.scrollTop, top + rowHeight() - list.clientHeight), top);
}

function scroller() {
  return document.getElementById("tasks");
}

function rowLink(key) {
  return [...document.querySelectorAll("#tasks a[data-key]")].find((link) => link.dataset.key === key);
}

function onClick(event) {
  const link = event.target.closest("a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openByPerson(link.dataset.key);
}

// --- how it is drawn -------------------------------------------------------------------------------------------------

let drawing = null;

function draw() {
  drawing ??= new Promise((resolve) => requestAnimationFrame(resolve)).then(() => {
    drawing = null;
    inbox.hold(isReading());
    render(page(), document.getElementById("page"));
  });
  return drawing;
}

const drawn = () => drawing ?? Promise.resolve();

/** Whether a person reads the list, so that it has to stand still. */
function isReading() {
  const list = scroller();
  return story !== null || (list !== null && (list.scrollTop > 0 || list.querySelector("a:focus-visible") !== null));
}

function page() {
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
      <button type="button" ?disabled=${!inbox.total() && !alerts.length} @click=${() => document.getElementById("empty").showModal()}>Empty …</button>
      <button type="button" class="icon" data-theme-toggle aria-label="Switch between light and dark" title="Light or dark">◐</button>
    </header>
    ${misbehaviourView(misbehaviour, run)}
    <main class="${story ? "with-story" : ""} ${isAlertsView ? "alerts-view" : ""}">
      <section class="tasks panel" aria-labelledby="tasks-heading">
        <h2 id="tasks-heading" class="visually-hidden">Callbacks, by task</h2>
        ${toolbar()}
        ${listOrWhyNot()}
      </section>
      ${story ? storyView(story, { hrefOf, onClose: closeStory, redraw: draw }) : nothing}
      ${alertsPane(alerts, { hrefOf })}
    </main>
    ${emptyDialog()}`;
}

async function run(doing) {
  await doing();
  draw();
}

function choosePane(isAlerts) {
  isAlertsView = isAlerts;
  if (story) show(null);
  draw();
}

function toolbar() {
  return html`
    <div class="toolbar">
      <label class="visually-hidden" for="filter">Filter by task id, or by text in a body</label>
      <input id="filter" type="search" placeholder="Task id, or text in a body (press /)" autocomplete="off" spellcheck="false"
        .value=${live(typedFilter())} @input=${onFilterTyped}>
      <div class="states" role="group" aria-label="State">
        ${stateButton("", "all", inbox.total())}
        ${Object.entries(STATES).map(([state, [, sign, word]]) => stateButton(state, html`<span aria-hidden="true">${sign}</span> ${word}`, inbox.states[state] ?? 0))}
      </div>
    </div>`;
}

function typedFilter() {
  const input = document.getElementById("filter");
  return input && document.activeElement === input ? input.value : address.text;
}

function stateButton(state, said, count) {
  return html`<button type="button" aria-pressed=${address.state === state} @click=${() => setFilter({ state })}>${said} <span class="count">${count.toLocaleString("en")}</span></button>`;
}

function listOrWhyNot() {
  if (!inbox.isLoaded) return html`<p class="empty">${inbox.error ? html`The inbox could not be read: ${inbox.error}.` : "Reading …"}</p>`;
  if (inbox.shown.length === 0) return address.text || address.state ? nothingFound() : nothingYet();
  const list = scroller();
  return html`
    ${waitingButton()}
    ${taskList(inbox, {
      scrollTop: list?.scrollTop ?? 0,
      height: list?.clientHeight ?? innerHeight,
      open: address.task,
      hrefOf,
      onScroll,
    })}`;
}

function onScroll() {
  draw();
  readOlderIfNear().then(draw);
}

function waitingButton() {
  const { waiting } = inbox;
  return html`<div class="waiting">${waiting ? html`<button type="button" class="primary" @click=${catchUp}>↑ ${waiting.toLocaleString("en")} new</button>` : nothing}</div>`;
}

function nothingFound() {
  const clear = () => {
    document.getElementById("filter").value = "";
    setFilter({ text: "", state: "" });
  };
  return html`<div class="empty"><p>No task matches the filter.</p><button type="button" @click=${clear}>Show all</button></div>`;
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
  const dialog = () => document.getElementById("empty");
  return html`
    <dialog id="empty" aria-labelledby="empty-heading">
      <h2 id="empty-heading">Empty the inbox?</h2>
      <p>All callbacks and Slack alerts are forgotten (${counted(inbox.total(), "task")}, ${counted(alerts.length, "alert")}),
        and attempts are counted from 1 again. What the queues hold is not touched.</p>
      <div class="buttons">
        <button type="button" class="primary" @click=${() => empty(dialog())}>Empty it</button>
        <button type="button" autofocus @click=${() => dialog().close()}>Cancel</button>
      </div>
    </dialog>`;
}

/** Tell those who hear the page what has come. */
function say() {
  if (unseen.length === 0) return;
  const newest = unseen.at(-1);
  const outcome = newest.outcome ?? "no outcome";
  document.getElementById("heard").textContent =
    `${counted(unseen.length, "delivery", "deliveries")} came; the newest: task ${newest.task_id ?? "unknown"}, ${outcome}, attempt ${newest.attempt}`;
  unseen = [];
}

addEventListener("keydown", onKey);
addEventListener("click", onClick);
addEventListener("resize", draw);
addEventListener("popstate", () => {
  address = readAddress();
  inbox.setFilter({ text: address.text, state: address.state });
  showStory();
  refreshTasks();
});
addEventListener("focusin", draw);
setInterval(say, SAID_EVERY_MS);
setInterval(() => {
  if (misbehaviour.secondsLeft() === 0) refreshMisbehaviour();
  if (misbehaviour.standing?.seconds) draw();
}, 1000);

inbox.setFilter({ text: address.text, state: address.state });
showStory();
listen("/events", HANDLERS, onConnection);
