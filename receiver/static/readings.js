// What the page reads from the receiver, again whenever something has changed there.
import { read } from "/static/api.js";
import { draw } from "/static/frame.js";
import { repeated } from "/static/repeated.js";
import { inbox, misbehaviour, state } from "/static/state.js";
import { rowsBelow } from "/static/task_list.js";

const REST_MS = 250; // between two readings of the same, however much comes
const MOST_ALERTS = 100;
const RETRY_MS = 2000; // after a reading that failed although the stream of events is there
const OLDER_WITHIN_ROWS = 20; // of the list's end

export const refreshTasks = repeated(async () => {
  await inbox.refresh();
  await readOlderIfNear();
  draw();
  if (inbox.error) retryWhileLive(refreshTasks);
}, REST_MS);

export const refreshStory = repeated(async () => {
  await state.story?.refresh();
  draw();
  if (state.story?.error) retryWhileLive(refreshStory);
}, REST_MS);

/** Where the stream is not there either, all is read anew once it is. */
function retryWhileLive(refresh) {
  if (state.connection === "live") setTimeout(refresh, RETRY_MS);
}

export const refreshAlerts = repeated(async () => {
  try {
    state.alerts = (await read("/slack/messages", { limit: MOST_ALERTS })).messages;
    draw();
  } catch {
    // the badge of the connection says that the receiver does not answer
  }
}, REST_MS);

export const refreshMisbehaviour = repeated(async () => {
  await misbehaviour.refresh();
  draw();
}, REST_MS);

export function refreshAll() {
  inbox.forget();
  refreshTasks();
  refreshStory();
  refreshAlerts();
  refreshMisbehaviour();
}

/** Read on where the list is scrolled near to its end. */
export async function readOlderIfNear() {
  if (rowsBelow() < OLDER_WITHIN_ROWS) await inbox.older();
}
