// What a person does with the page.
import { addressOf, readAddress } from "/static/address.js";
import { change } from "/static/api.js";
import { draw, drawn } from "/static/frame.js";
import { readOlderIfNear, refreshAll, refreshStory, refreshTasks } from "/static/readings.js";
import { inbox, state } from "/static/state.js";
import { Story } from "/static/story.js";
import { rowLink, scroller } from "/static/task_list.js";

const FILTER_AFTER_MS = 200; // without another key

/** The address of a task's story; the filter stays. */
export function hrefOf(task) {
  return addressOf({ ...state.address, task, pane: "" });
}

export async function openStory(task) {
  show(task);
  await drawn();
  document.getElementById("story-heading")?.focus();
}

export async function closeStory() {
  const key = state.address.task;
  show(null);
  await drawn();
  rowLink(key)?.focus({ preventScroll: true });
}

function show(task, pane = "") {
  if (task === state.address.task && pane === state.address.pane) return;
  state.address = { ...state.address, task, pane };
  history.pushState(null, "", addressOf(state.address));
  showStory();
}

function showStory() {
  const { task } = state.address;
  state.story = task === null ? null : new Story(task);
  if (state.story) refreshStory();
  draw();
}

/** Show what the page's address says. */
export function follow() {
  state.address = readAddress();
  applyFilter();
  showStory();
}

export function setFilter(filter) {
  state.address = { ...state.address, ...filter };
  history.replaceState(null, "", addressOf(state.address));
  applyFilter();
  catchUp();
}

function applyFilter() {
  const { text, state: taskState } = state.address;
  inbox.setFilter({ text, state: taskState });
  refreshTasks();
}

let typing;

export function onFilterTyped(event) {
  clearTimeout(typing);
  const text = event.target.value.trim();
  typing = setTimeout(() => setFilter({ text }), FILTER_AFTER_MS);
}

export function clearFilter(filter) {
  clearTimeout(typing);
  document.getElementById("filter").value = "";
  setFilter({ ...filter, text: "" });
}

/** Show what has waited. */
export function catchUp() {
  inbox.hold(false);
  const list = scroller();
  if (list) list.scrollTop = 0;
  draw();
}

export async function onScroll() {
  draw();
  await readOlderIfNear();
  draw();
}

export function choosePane(isAlerts) {
  show(null, isAlerts ? "alerts" : "");
}

/** Forget all callbacks and alerts; returns whether that was done. */
export async function emptyInbox() {
  state.emptyError = null;
  try {
    await Promise.all([change("DELETE", "/callbacks"), change("DELETE", "/slack/messages")]);
    show(null);
  } catch (error) {
    state.emptyError = error.message;
  }
  refreshAll();
  draw();
  return state.emptyError === null;
}

/** Do something, and draw what came of it. */
export async function run(doing) {
  await doing();
  draw();
}
