// What the page knows.
import { readAddress } from "/static/address.js";
import { Inbox } from "/static/inbox.js";
import { Misbehaviour } from "/static/misbehaviour.js";

export const inbox = new Inbox();
export const misbehaviour = new Misbehaviour();

export const state = {
  address: readAddress(),
  /** The story that is open, or null. */
  story: null,
  /** Messages to Slack, oldest first. */
  alerts: [],
  /** Of the stream of events, as `listen` reports it. */
  connection: "connecting",
  /** Why the inbox could not be emptied, or null. */
  emptyError: null,
};

/** Whether a delivery, or an answer, is one of the open story's. */
export function isOfStory({ task_id }) {
  return state.story?.taskId === (task_id ?? "");
}
