/** A task being written: of which type, what is typed, what is wrong with it, and what became of it. */

import { get, post } from "./api.js";
import { parse, stringify } from "./exact-json.js";
import { beyondForm, fieldsOf, placedErrors, requestOf, textsOf } from "./schema-fields.js";
import { addressOf } from "./views.js";

export class Submission {
  constructor(onChange) {
    this.onChange = onChange;
    this.types = null;
    this.wanted = null;
    this.problem = null;
    this.isSending = false;
    this.outcome = null;
  }

  /** The address of what is shown. */
  get address() {
    return addressOf("submit", null, { type: this.type?.name });
  }

  /** Show the form of the task type with this name, where there is one; else the one that is shown, or the first. */
  show(name) {
    this.wanted = name ?? this.wanted;
    const type = this.types?.find((each) => each.name === name);
    if (!this.types) this.load();
    else if (type && type !== this.type) this.begin(type.route);
  }

  /** Ask for the task types. */
  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    try {
      this.types = await get("/api/task-types");
      this.problem = null;
      const type = this.types.find((each) => each.name === this.wanted) ?? this.types[0];
      if (type) this.begin(type.route);
    } catch (error) {
      this.problem = error;
    }
    this.isLoading = false;
    this.onChange();
  }

  /** Ask again for what could not be had and may be there now. */
  retry() {
    if (this.problem?.mayPass) this.load();
  }

  /** Begin a task of the type with this route, as its example is. */
  begin(route) {
    const type = this.types.find((each) => each.route === route);
    const fields = fieldsOf(type.schema);
    const headerFields = fieldsOf(type.headers);
    this.change({ type, fields, headerFields, headerTexts: textsOf(headerFields, {}), texts: textsOf(fields, type.example), json: stringify(type.example, 2), outcome: null, ...NOTHING_WRONG, isJson: this.isJson ?? false });
  }

  /** Let `edit` change the texts; what was wrong with the one at `path`, or with all, was wrong with what they were. */
  edit(edit, path = null) {
    edit(this.texts);
    const others = [...this.errors].filter(([each]) => path && each !== path.join("."));
    this.change({ errors: new Map(others), unplaced: [] });
  }

  editJson(json) {
    this.change({ json, ...NOTHING_WRONG });
  }

  /** The request as JSON text, or null where it is not one yet. */
  get requestText() {
    if (this.isJson) return isJson(this.json) ? this.json : null;
    const { request, errors } = requestOf(this.fields, this.texts);
    return errors.size ? null : stringify(request, 2);
  }

  /** The headers that are filled in, by name, or null where one is wrong. */
  get headers() {
    const { request, errors } = requestOf(this.headerFields, this.headerTexts, HEADERS);
    return errors.size ? null : Object.fromEntries(Object.entries(request).map(([name, value]) => [name, `${value}`]));
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
      this.answered(await post("/api/submit", { route: this.type.route, request, headers: this.headers }));
    } catch (error) {
      this.change({ unplaced: [error.message] });
    }
    this.change({ isSending: false });
    return this.outcome !== null;
  }

  checked() {
    const headers = requestOf(this.headerFields, this.headerTexts, HEADERS);
    const { request, errors } = this.isJson ? { request: this.parsedJson(), errors: new Map() } : requestOf(this.fields, this.texts);
    const all = new Map([...headers.errors, ...errors]);
    if (!all.size) return request;
    this.change({ errors: all, unplaced: request === undefined ? this.unplaced : [] });
    return undefined;
  }

  answered({ status, body }) {
    if (status === 200) return this.change({ outcome: body });
    if (status !== 422) return this.change({ unplaced: [`The API answered ${status}: ${detailOf(body)}`] });
    return this.change(placedErrors(this.isJson ? [] : this.fields, body.detail));
  }

  change(what) {
    Object.assign(this, what);
    this.onChange();
  }
}

const HEADERS = ["headers"];
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
export function curlCommand(apiUrl, route, requestText, headers) {
  const more = Object.entries(headers).map(([name, value]) => ` -H ${quoted(`${name}: ${value}`)}`);
  return `curl -X POST ${quoted(apiUrl + route)} -H 'Content-Type: application/json'${more.join("")} -d ${quoted(requestText)}`;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
