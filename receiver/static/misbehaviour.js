// The controls that make the receiver misbehave, and what stands now.
import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { change, read } from "/static/api.js";
import { PHRASES, misbehaviourInWords, scopeInWords } from "/static/words.js";

const ANSWERS = {
  status: "answer with a status",
  hang: "never answer (hang)",
  close: "reset the connection in mid-answer (close)",
  drip: "answer a byte a second, without end (drip)",
};

const SCOPES = {
  always: ["until it is lifted", null],
  deliveries: ["for the next … deliveries", "deliveries"],
  seconds: ["for the next … seconds", "seconds"],
  times: ["for the first … deliveries of each task", "deliveries of each task"],
};

export class Misbehaviour {
  /** What stands, as GET /misbehaviour answers it, or null. */
  standing = null;
  isFormOpen = false;
  /** Why the receiver refused the last order, until the form says another one; or null. */
  error = null;
  form = { answer: "status", status: "503", delay: "0", retryAfter: "", scope: "deliveries", amount: "3" };

  #readAt = 0;

  /** Seconds for which it stands, null where that is not limited. */
  secondsLeft(now = Date.now()) {
    if (!this.standing?.seconds) return null;
    return Math.max(0, this.standing.seconds - (now - this.#readAt) / 1000);
  }

  /** Take over what stands. */
  stands(standing) {
    this.standing = standing;
    this.#readAt = Date.now();
  }

  /** Read what stands; where news of it came meanwhile, the answer may be older than that, and it is read again. */
  async refresh() {
    try {
      let readAt, standing;
      do {
        readAt = this.#readAt;
        standing = await read("/misbehaviour");
      } while (readAt !== this.#readAt);
      this.stands(standing);
    } catch {
      // the badge of the connection says that the receiver does not answer
    }
  }

  fill(name, value) {
    this.form[name] = value;
    this.error = null;
  }

  openForm(isOpen) {
    this.isFormOpen = isOpen;
    this.error = null;
  }

  async order() {
    await this.#change("PUT", orderOf(this.form));
    this.isFormOpen = this.error !== null;
  }

  async lift() {
    await this.#change("DELETE");
  }

  async #change(method, body) {
    try {
      await change(method, "/misbehaviour", body);
      this.error = null;
      await this.refresh();
    } catch (error) {
      this.error = error.message;
    }
  }
}

/** The body of PUT /misbehaviour for what the form says. */
export function orderOf({ answer, status, delay, retryAfter, scope, amount }) {
  const order = answer === "status" ? { status: Number(status) } : { [answer]: true };
  if (Number(delay)) order.delay = Number(delay);
  if (answer === "status" && retryAfter !== "") order.retry_after = Number(retryAfter);
  if (scope !== "always") order[scope] = Number(amount);
  return order;
}

/** What stands, and the way to change it. `run` does something of the model's and draws the page again. */
export function misbehaviourView(model, run) {
  return html`
    <section class="misbehaviour ${model.standing ? "stands" : ""}" aria-labelledby="misbehaviour-heading">
      <h2 id="misbehaviour-heading" class="visually-hidden">How deliveries are answered</h2>
      <div class="now">
        ${model.standing
          ? html`<p role="status"><span aria-hidden="true">⚠</span>
              <strong>${misbehaviourInWords(model.standing)}</strong>
              <span class="scope">(${scopeInWords(model.standing, model.secondsLeft())})</span></p>
            <button type="button" class="primary" @click=${() => run(() => model.lift())}>Take deliveries again</button>`
          : html`<p role="status" class="dim">Deliveries are answered 200 OK, unless their URL asks for something else.</p>`}
        <button type="button" aria-expanded=${model.isFormOpen} aria-controls="misbehave"
          @click=${() => run(() => model.openForm(!model.isFormOpen))}>${model.standing ? "Change" : "Misbehave …"}</button>
      </div>
      ${model.error ? html`<p class="error" role="alert">Not done: ${model.error}.</p>` : nothing}
      ${model.isFormOpen ? formView(model, run) : nothing}
    </section>`;
}

function formView(model, run) {
  const { form } = model;
  const set = (name) => (event) => run(() => model.fill(name, event.target.value));
  const [, unit] = SCOPES[form.scope];
  const submitted = (event) => {
    event.preventDefault();
    run(() => model.order());
  };
  return html`
    <form id="misbehave" @submit=${submitted}>
      ${labelled("answer", "Answer", html`<select id="answer" @change=${set("answer")}>${options(ANSWERS, form.answer)}</select>`)}
      ${form.answer === "status"
        ? [
            labelled("status", "Status", numberInput("status", form.status, set("status"), { min: 200, max: 599 }), PHRASES[form.status] ?? ""),
            labelled("retry-after", "Retry-After", numberInput("retry-after", form.retryAfter, set("retryAfter"), { min: 0, isRequired: false }), "s"),
          ]
        : nothing}
      ${labelled("delay", "Delay", numberInput("delay", form.delay, set("delay"), { min: 0, max: 300, step: "any" }), "s")}
      ${labelled("scope", "How long", html`<select id="scope" @change=${set("scope")}>${options(SCOPES, form.scope)}</select>`)}
      ${unit ? labelled("amount", "How many", numberInput("amount", form.amount, set("amount"), { min: 1, step: form.scope === "seconds" ? "any" : 1 }), unit) : nothing}
      <div class="buttons">
        <button class="primary">Misbehave</button>
        <button type="button" @click=${() => run(() => model.openForm(false))}>Cancel</button>
      </div>
    </form>`;
}

function labelled(id, said, control, unit = "") {
  return html`<div class="labelled"><label for=${id}>${said}</label><span class="field">${control} <span class="unit-of dim">${unit}</span></span></div>`;
}

function numberInput(id, value, onInput, { min, max = nothing, step = 1, isRequired = true }) {
  return html`<input id=${id} type="number" min=${min} max=${max} step=${step} ?required=${isRequired}
    placeholder=${isRequired ? nothing : "none"} .value=${value} @input=${onInput}>`;
}

function options(choices, chosen) {
  return Object.entries(choices).map(([value, said]) => html`<option value=${value} ?selected=${value === chosen}>${[said].flat()[0]}</option>`);
}
