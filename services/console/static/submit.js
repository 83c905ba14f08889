/** A task being written: of which type, what is typed, what is wrong with it, and what became of it. */

import { get, post } from "./api.js";
import { parse, stringify } from "./exact-json.js";
import { beyondForm, fieldsOf, placedErrors, requestOf, textsOf } from "./schema-fields.js";

export class Submission {
  constructor(onChange) {
    this.onChange = onChange;
    this.types = null;
    this.problem = null;
    this.isSending = false;
    this.outcome = null;
  }

  /** Ask for the task types, once. */
  async load() {
    if (this.types || this.isLoading) return;
    this.isLoading = true;
    this.problem = null;
    try {
      this.types = await get("/api/task-types");
      this.isLoading = false;
      if (this.types.length) this.begin(this.types[0].route);
    } catch (error) {
      this.problem = error.message;
    }
    this.isLoading = false;
    this.onChange();
  }

  /** Begin a task of the type with this route, as its example is. */
  begin(route) {
    const type = this.types.find((each) => each.route === route);
    const fields = fieldsOf(type.schema);
    this.change({ type, fields, texts: textsOf(fields, type.example), json: stringify(type.example, 2), outcome: null, ...NOTHING_WRONG, isJson: this.isJson ?? false });
  }

  /** Let `edit` change the texts. */
  edit(edit) {
    edit(this.texts);
    this.onChange();
  }

  /** The request as JSON text, or null where it is not one yet. */
  get requestText() {
    if (this.isJson) return isJson(this.json) ? this.json : null;
    const { request, errors } = requestOf(this.fields, this.texts);
    return errors.size ? null : stringify(request, 2);
  }

  /** Go from the form to its JSON, or back where the form can show it. */
  switchTo(isJson) {
    if (isJson === this.isJson) return;
    if (isJson) this.change({ isJson, json: stringify(requestOf(this.fields, this.texts).request, 2), ...NOTHING_WRONG });
    else this.backToForm();
  }

  backToForm() {
    const request = this.parsedJson();
    if (request === undefined) return;
    const beyond = beyondForm(this.fields, request);
    if (beyond) this.change({ unplaced: [beyond] });
    else this.change({ isJson: false, texts: textsOf(this.fields, request), ...NOTHING_WRONG });
  }

  parsedJson() {
    try {
      return parse(this.json);
    } catch (error) {
      this.change({ unplaced: [`This is no JSON: ${error.message}`] });
      return undefined;
    }
  }

  /** Submit it; returns whether it was accepted. */
  async send() {
    const request = this.checked();
    if (request === undefined) return false;
    this.change({ isSending: true, outcome: null, ...NOTHING_WRONG });
    try {
      this.answered(await post("/api/submit", { route: this.type.route, request }));
    } catch (error) {
      this.change({ unplaced: [error.message] });
    }
    this.change({ isSending: false });
    return this.outcome !== null;
  }

  checked() {
    if (this.isJson) return this.parsedJson();
    const { request, errors } = requestOf(this.fields, this.texts);
    if (!errors.size) return request;
    this.change({ errors, unplaced: [] });
    return undefined;
  }

  answered({ status, body }) {
    if (status === 200) return this.change({ outcome: body });
    if (status !== 422) return this.change({ unplaced: [`The API answered ${status}: ${detailOf(body)}`] });
    if (this.isJson) return this.change({ unplaced: placedErrors([], body.detail).unplaced });
    return this.change(placedErrors(this.fields, body.detail));
  }

  change(what) {
    Object.assign(this, what);
    this.onChange();
  }
}

const NOTHING_WRONG = { errors: new Map(), unplaced: [] };

const detailOf = (body) => (typeof body?.detail === "string" ? body.detail : stringify(body));

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The request as a command for a POSIX shell. */
export const curlCommand = (apiUrl, route, requestText) =>
  `curl -X POST ${quoted(apiUrl + route)} -H 'Content-Type: application/json' -d ${quoted(requestText)}`;

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
