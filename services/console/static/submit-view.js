/** The form to submit a task with, made from the schema of its type. */

import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { live } from "/static/web/vendor/lit-html/directives/live.js";
import { copyButton } from "/static/web/copy.js";
import { optionsOf, textsOf } from "./schema-fields.js";
import { storyUrl } from "./services-view.js";
import { curlCommand } from "./submit.js";

export function submitView(submission, links) {
  if (submission.problem) {
    return html`<p class="problem" role="alert">${submission.problem.message}</p><p><button @click=${() => submission.load()}>Ask again</button></p>`;
  }
  if (!submission.types) return html`<p class="empty">Asking the API what there is …</p>`;
  if (!submission.types.length) return html`<p class="empty">The API has no task types.</p>`;
  return html`
    <form class="submit" novalidate @submit=${(event) => send(event, submission)}>
      ${typeChoice(submission)}
      ${modeChoice(submission)}
      ${submission.unplaced.length ? html`<ul class="problem" role="alert">${submission.unplaced.map((text) => html`<li>${text}</li>`)}</ul>` : nothing}
      ${submission.isJson ? jsonEditor(submission) : submission.fields.map((field) => fieldView(submission, field, submission.texts, [field.name]))}
      ${headersView(submission)}
      <div class="bar">
        <button class="primary" ?disabled=${submission.isSending}>${submission.isSending ? "Submitting …" : "Submit the task"}</button>
        <button type="button" @click=${() => submission.begin(submission.type.route)}>Back to the example</button>
      </div>
    </form>
    <div role="status">${submission.outcome ? acceptedView(submission.outcome, links.inbox) : nothing}</div>
    ${curlView(submission, links)}`;
}

async function send(event, submission) {
  event.preventDefault();
  const form = event.currentTarget;
  if (!(await submission.send())) form.querySelector("[aria-invalid=true]")?.focus();
}

const typeChoice = (submission) => html`
  <p class="field">
    <label for="task-type">Task type</label>
    <select id="task-type" @change=${(event) => submission.begin(event.target.value)}>
      ${submission.types.map((type) => html`<option value=${type.route} .selected=${live(type === submission.type)}>${type.name}: ${type.summary}</option>`)}
    </select>
    <span class="dim">POST <code>${submission.type.route}</code></span>
  </p>`;

const modeChoice = (submission) => html`
  <div class="choice" role="group" aria-label="How to write it">
    <button type="button" aria-pressed=${!submission.isJson} @click=${() => submission.switchTo(false)}>Form</button>
    <button type="button" aria-pressed=${submission.isJson} @click=${() => submission.switchTo(true)}>JSON</button>
  </div>`;

const jsonEditor = (submission) => html`
  <p class="field">
    <label for="request-json">Request</label>
    <textarea id="request-json" rows="22" spellcheck="false" .value=${live(submission.json)}
      @input=${(event) => submission.editJson(event.target.value)}></textarea>
  </p>`;

const headersView = (submission) => html`
  <details class="headers" ?open=${[...submission.errors.keys()].some((path) => path.startsWith("headers."))}>
    <summary>Headers</summary>
    ${submission.headerFields.map((field) => inputView(submission, field, submission.headerTexts, ["headers", field.name]))}
  </details>`;

function fieldView(submission, field, texts, path) {
  return field.kind === "rows" ? rowsView(submission, field, texts, path) : inputView(submission, field, texts, path);
}

function rowsView(submission, field, texts, path) {
  const rows = texts[field.name];
  const { maxItems = Infinity } = field.schema;
  const add = () => submission.edit(() => rows.push(rows.length ? structuredClone(rows.at(-1)) : textsOf(field.fields, {})));
  return html`
    <fieldset class="rows" id=${idOf(path)} tabindex="-1" aria-invalid=${submission.errors.has(path.join("."))}>
      <legend>${field.name}</legend>
      ${errorView(submission, path)}
      ${rows.map((row, index) => html`
        <fieldset class="row">
          <legend class="dim">${index + 1}</legend>
          ${field.fields.map((each) => fieldView(submission, each, row, [...path, index, each.name]))}
          <button type="button" class="remove" aria-label="Remove ${field.name} ${index + 1}" title="Remove"
            @click=${() => submission.edit(() => rows.splice(index, 1))}>✕</button>
        </fieldset>`)}
      <button type="button" ?disabled=${rows.length >= maxItems} @click=${add}>Add one${rows.length ? " like the last" : ""}</button>
    </fieldset>`;
}

function inputView(submission, field, texts, path) {
  const id = idOf(path);
  const hasError = submission.errors.has(path.join("."));
  const needs = field.isRequired ? nothing : html` <span class="dim">optional</span>`;
  const attributes = { id, isInvalid: hasError, describedBy: hasError ? `${id}-error` : nothing };
  const change = (event) => submission.edit(() => { texts[field.name] = event.target.value; }, path);
  return html`
    <p class="field ${field.schema.format === "uri" ? "url" : field.kind}-field">
      <label for=${id} title=${field.description ?? nothing}>${field.name}${needs}</label>
      ${(INPUTS[field.kind] ?? textInput)(field, texts[field.name], attributes, change)}
      ${errorView(submission, path)}
    </p>`;
}

const INPUTS = {
  choice: (field, text, attributes, change) => selectInput([...optionsOf(field).keys()], field, text, attributes, change),
  boolean: (field, text, attributes, change) => selectInput(["true", "false"], field, text, attributes, change),
  json: (field, text, { id, isInvalid, describedBy }, change) => html`
    <textarea id=${id} rows=${Math.min(8, text.split("\n").length + 1)} spellcheck="false" placeholder="JSON" .value=${live(text)} aria-invalid=${isInvalid}
      aria-describedby=${describedBy} ?required=${field.isRequired} @input=${change}></textarea>`,
};

const textInput = (field, text, { id, isInvalid, describedBy }, change) => html`
  <input id=${id} type="text" inputmode=${field.schema.format === "uri" ? "url" : "text"} autocomplete="off"
    placeholder=${field.schema.default == null ? nothing : `${field.schema.default}`} .value=${live(text)} aria-invalid=${isInvalid}
    aria-describedby=${describedBy} ?required=${field.isRequired} @input=${change}>`;

const selectInput = (options, field, text, { id, isInvalid, describedBy }, change) => html`
  <select id=${id} aria-invalid=${isInvalid} aria-describedby=${describedBy} ?required=${field.isRequired} @change=${change}>
    ${field.isRequired && text !== "" ? nothing : html`<option value="" ?selected=${text === ""}>${unset(field)}</option>`}
    ${options.map((option) => html`<option value=${option} ?selected=${option === text}>${option}</option>`)}
  </select>`;

const unset = (field) => (field.schema.default == null ? "–" : `${field.schema.default}, unless said`);

const errorView = (submission, path) =>
  submission.errors.has(path.join(".")) ? html`<span class="error" id="${idOf(path)}-error">✕ ${submission.errors.get(path.join("."))}</span>` : nothing;

const idOf = (path) => `field-${path.join("-")}`;

function acceptedView({ task_id: taskId }, inbox) {
  const story = storyUrl(inbox, taskId);
  return html`
    <p class="accepted panel">
      <span class="state good"><span aria-hidden="true">✓</span> accepted</span> as task <code>${taskId}</code> ${copyButton(taskId, "the task id")}
      ${story ? html`<a href=${story} target="_blank" rel="noopener">Its story in the inbox</a>` : nothing}
    </p>`;
}

function curlView(submission, { api_docs: docs }) {
  const { requestText: text, headers } = submission;
  const command = text && headers && curlCommand(docs.replace(/\/docs$/, ""), submission.type.route, text, headers);
  return html`
    <details class="curl">
      <summary>The same as a curl command</summary>
      ${command ? html`<p>${copyButton(command, "the command")}</p><pre tabindex="0">${command}</pre>` : html`<p class="dim">As soon as all fields are right.</p>`}
    </details>`;
}
