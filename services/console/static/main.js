/** The console's page: draws what the server sends, as it sends it. */

import { html, nothing, render } from "/static/web/vendor/lit-html/lit-html.js";
import { connectionBadge, listen } from "/static/web/live.js";
import { DeadLetters, deadLetterQueues, firstToLookAt } from "./dead-letters.js";
import { deadLettersView } from "./dead-letters-view.js";
import { findings, messages } from "./findings.js";
import { Plots } from "./plots.js";
import { queuesView } from "./queues-view.js";
import { RedriveDialog } from "./redrive-dialog.js";
import { servicesView } from "./services-view.js";
import { listenForKeys, showKeys } from "./shortcuts.js";
import { Submission } from "./submit.js";
import { submitView } from "./submit-view.js";
import { verdict, verdictView } from "./verdict.js";
import { VIEWS, addressOf, follow, keepAddress, viewOf } from "./views.js";

const place = (id) => document.getElementById(id);

let state = null;
let connection = "connecting";
const deadLetters = new DeadLetters(() => drawDeadLetters());
const submission = new Submission(() => drawSubmission());
const dialog = new RedriveDialog(place("redrive"));
const plots = new Plots(place("plots"));

function draw() {
  const found = state ? findings(state) : [];
  drawNavigation();
  drawVerdict(found);
  if (state && shownView() === "overview") drawOverview(found);
  if (shownView() === "dead-letters") drawDeadLetters();
}

const shownView = () => viewOf(location.hash).id;

function drawNavigation() {
  const links = VIEWS.map(({ id, title }) => html`<a href=${addressOfView(id)} aria-current=${id === shownView() ? "page" : nothing}>${title}</a>`);
  render(links, place("views"));
}

/** Where a view is come back to: as it was left. */
function addressOfView(id) {
  if (id === "dead-letters") return deadLetters.address;
  return id === "submit" ? submission.address : addressOf(id);
}

function drawVerdict(found) {
  const said = verdict(state, found, connection);
  place("verdict").dataset.level = said.level;
  render(verdictView(said), place("verdict"));
  const wrong = found.filter(({ level }) => level !== "note").length;
  document.title = wrong ? `(${wrong}) Console` : "Console";
}

function drawOverview(found) {
  render(queuesView(state, found), place("queues"));
  render(servicesView(state), place("services"));
  plots.show(state.series);
}

function drawDeadLetters() {
  if (!state || !deadLetters.queue) return;
  render(deadLettersView(state, deadLetters, { redrive, filter }), place("dead-messages"));
  if (shownView() === "dead-letters") keepAddress(deadLetters.address);
  drawNavigation();
}

function drawSubmission() {
  if (!state) return;
  render(submitView(submission, state.links), place("submission"));
  if (shownView() === "submit") keepAddress(submission.address);
  drawNavigation();
}

function drawLinks() {
  render(html`
    <span class="connection">${connectionBadge(connection)}</span>
    ${state?.links.inbox ? html`<a href=${state.links.inbox}>Inbox</a>` : nothing}
    ${state ? html`<a href=${state.links.api_docs}>API</a>` : nothing}`, place("links"));
}

async function redrive(selection) {
  if (await dialog.ask(selection)) deadLetters.lookAfterRedrive();
}

/** Look for what has these, as a step that the browser goes back from; for the same again where nobody does yet. */
function filter(wanted) {
  if (!deadLetters.isFilteredBy(wanted)) {
    history.pushState(null, "", addressOf("dead-letters", deadLetters.queue, wanted));
    showView();
  } else if (!deadLetters.isLooking) {
    deadLetters.look();
  }
}

/** Show the view that the address names, and what it needs. */
function showView() {
  const { id, detail, parameters } = follow();
  VIEWS.forEach((view) => { place(`view-${view.id}`).hidden = view.id !== id; });
  if (id === "dead-letters" && state) openQueue(detail, parameters);
  if (id === "submit" && state) submission.show(parameters.type);
  drawSubmission();
  draw();
}

function openQueue(name, parameters) {
  const queues = deadLetterQueues(state.queues);
  const queue = queues.find((each) => each.name === name)?.name ?? firstToLookAt(queues);
  if (queue) deadLetters.show(queue, parameters);
}

function take(newState) {
  const isFirst = !state;
  state = newState;
  drawLinks();
  // All at once, so that nothing moves.
  place("content").hidden = false;
  if (isFirst) showView();
  else draw();
  askAgain();
}

/** Ask for what the sample shows to be another now, and for what could not be had. */
function askAgain() {
  if (shownView() === "submit") submission.retry();
  if (shownView() !== "dead-letters") return;
  deadLetters.noteDepth(messages(state.queues.find((queue) => queue.name === deadLetters.queue) ?? {}));
  deadLetters.retry();
}

function noteConnection(newConnection) {
  connection = newConnection;
  drawLinks();
  draw();
}

const help = () => showKeys(place("help"), SHORTCUTS);

const SHORTCUTS = [
  ...VIEWS.map(({ id, title, key }) => ({ key, does: title, act: () => { location.hash = addressOfView(id); } })),
  { key: "r", does: "Look again into the dead letters shown", act: () => { if (shownView() === "dead-letters") deadLetters.look(); } },
  { key: "t", does: "Light or dark", act: () => document.querySelector("[data-theme-toggle]").click() },
  { key: "?", does: "These keys", act: help },
];

listenForKeys(SHORTCUTS);
place("keys").addEventListener("click", help);
addEventListener("hashchange", () => {
  showView();
  scrollTo(0, 0);
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  place("content").focus();
});
drawLinks();
showView();
listen("/api/events", { state: take }, noteConnection);
