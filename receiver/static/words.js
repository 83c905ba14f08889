// What the page says: states, answers, verdicts and misbehaviour in words. Pure functions of the API's JSON.
import { html } from "/static/web/vendor/lit-html/lit-html.js";
import { duration } from "/static/web/time.js";

/** The states of a task in the order in which they are offered: look, sign, word. */
export const STATES = {
  success: ["good", "✓", "success"],
  failure: ["bad", "✕", "failure"],
  not_taken: ["warn", "!", "not taken"],
  no_outcome: ["", "–", "no outcome"],
};

/** https://www.rfc-editor.org/rfc/rfc9110#name-status-codes, those that receivers answer with. */
export const PHRASES = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 301: "Moved Permanently", 302: "Found",
  304: "Not Modified", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
  404: "Not Found", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Content Too Large",
  422: "Unprocessable Content", 429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented",
  502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
};

const FAULTS = {
  hang: ["no answer", "Never answered: the receiver let it hang"],
  close: ["cut off", "The connection was reset in the middle of the answer"],
  drip: ["dripped", "Answered a byte a second, without end"],
  left: ["sender left", "The sender left before it was answered"],
};

const VERDICTS = {
  valid: ["good", "✓", "valid"],
  invalid: ["bad", "✕", "invalid"],
  missing: ["warn", "!", "missing"],
  unchecked: ["", "–", "unchecked"],
};

// The longest delay that the receiver takes, and some more: what then has no answer was received by one that was killed.
const LONGEST_UNDER_WAY_MS = 310_000;

/** A badge: the sign and the word say it, the colour repeats. */
export function badge([look, sign, word]) {
  return html`<span class="state ${look}"><span aria-hidden="true">${sign}</span><span class="word">${word}</span></span>`;
}

/** The badge of a signature's verdict. */
export function verdictBadge(verdict) {
  return badge(VERDICTS[verdict]);
}

/** Whether a delivery waits for its answer. */
export function isUnderWay(delivery, now = Date.now()) {
  return delivery.answered_after_ms === null && now - Date.parse(delivery.received_at) < LONGEST_UNDER_WAY_MS;
}

/** Whether a delivery was answered 2xx, the whole answer. */
export function isTaken(delivery) {
  return delivery.status < 300 && delivery.fault === null && !isUnderWay(delivery);
}

/** "503 Service Unavailable". */
export function statusInWords(status) {
  return PHRASES[status] ? `${status} ${PHRASES[status]}` : String(status);
}

/** How a delivery was answered, in a word or two. */
export function answerInShort(delivery) {
  if (isUnderWay(delivery)) return "answering …";
  return delivery.fault ? FAULTS[delivery.fault][0] : String(delivery.status);
}

/** How a delivery was answered, as a sentence without a full stop; the time it took may follow. */
export function answerInWords(delivery) {
  if (isUnderWay(delivery)) return "Being answered …";
  if (delivery.fault) return FAULTS[delivery.fault][1];
  return `Answered ${statusInWords(delivery.status)}${delivery.status < 300 ? "" : ": refused"}`;
}

/** After what time a delivery was answered, or was over. */
export function latency(delivery) {
  return delivery.answered_after_ms === null ? "" : duration(delivery.answered_after_ms / 1000);
}

/** What stands for all deliveries, as a sentence without a full stop. */
export function misbehaviourInWords(standing) {
  const after = standing.delay ? ` after ${duration(standing.delay)}` : "";
  const retryAfter = standing.retry_after === undefined || standing.retry_after === null ? ""
    : `, with Retry-After: ${standing.retry_after}`;
  if (standing.hang) return `Deliveries are never answered${after && ": they hang"}`;
  if (standing.close) return `Deliveries are cut off in the middle of the answer${after}`;
  if (standing.drip) return `Deliveries are answered a byte a second, without end${after && `, beginning${after}`}`;
  return `Deliveries are answered ${statusInWords(standing.status ?? 200)}${after}${retryAfter}`;
}

/** How long it stands, as the rest of that sentence. */
export function scopeInWords(standing, secondsLeft) {
  const limits = [];
  if (standing.times !== undefined) limits.push(`the first ${counted(standing.times, "delivery", "deliveries")} of each task`);
  if (standing.deliveries) limits.push(`${standing.deliveries} more ${standing.deliveries === 1 ? "delivery" : "deliveries"}`);
  if (secondsLeft !== null) limits.push(`${duration(Math.ceil(secondsLeft))} more`);
  return limits.length ? limits.join(", ") : "until you lift it";
}

/** "1 task", "2 tasks". */
export function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** What a callback's body says, as a sentence; null where it is no outcome. */
export function outcomeInWords(outcome, body) {
  if (outcome === "failure") return `Failed for good: ${body.errors[0].details}`;
  if (outcome !== "success") return null;
  const results = counted(body.results.length, "result");
  return body.errors.length ? `Done: ${results}, and ${counted(body.errors.length, "item")} failed` : `Done: ${results}`;
}
