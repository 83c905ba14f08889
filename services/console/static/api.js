/** The console's HTTP API. */

import { parse, stringify } from "./exact-json.js";

/** An answer that is no success, or none at all; its message is what the server says of it. */
export class ApiError extends Error {
  constructor(message, status = null) {
    super(message);
    this.status = status;
  }

  /** Whether the same may be answered otherwise once the console, SQS or the API is back, or a redrive has ended. */
  get mayPass() {
    return this.status === null || this.status === 409 || this.status >= 500;
  }
}

/** The answer to a GET, its numbers to the digit. */
export const get = (path, parameters = {}) => {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  return answer(fetch(`${path}?${query}`, { headers: { accept: "application/json" } }));
};

/** The answer to a POST of `body` as JSON. */
export const post = (path, body) =>
  answer(fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: stringify(body) }));

async function answer(request) {
  const response = await request.catch(noAnswer);
  const text = await response.text().catch(noAnswer);
  if (response.ok) return parse(text);
  throw new ApiError(detailOf(text) ?? `The console answered ${response.status} ${response.statusText}`.trim(), response.status);
}

function noAnswer() {
  throw new ApiError("The console does not answer: is it still running?");
}

function detailOf(text) {
  try {
    const { detail } = JSON.parse(text);
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  } catch {
    return null;
  }
}
