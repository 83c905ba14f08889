/** Asks before a redrive, with how many messages would go where; then shows how it went. */

import { html, nothing, render } from "/static/web/vendor/lit-html/lit-html.js";
import { post } from "./api.js";
import { plural } from "./words.js";

/** A modal dialog, opened with `ask`. */
export class RedriveDialog {
  constructor(dialog) {
    this.dialog = dialog;
    dialog.addEventListener("cancel", (event) => {
      if (this.step === "moving") event.preventDefault();
    });
  }

  /**
   * Ask about a selection, `{queue, ids}`, `{queue, all: true}` or `{queue, reason, task_type}`, and carry it out where confirmed.
   *
   * Resolves when the dialog is closed, to whether anything may have been moved.
   */
  ask(selection) {
    this.selection = selection;
    this.hasMoved = false;
    this.show("planning");
    this.dialog.showModal();
    this.plan();
    return new Promise((resolve) => this.dialog.addEventListener("close", () => resolve(this.hasMoved), { once: true }));
  }

  async plan() {
    await this.request(true, (answer) => this.show("planned", { answer }));
  }

  async move() {
    this.hasMoved = true;
    this.show("moving", { answer: this.answer });
    await this.request(false, (answer) => this.show("moved", { answer }));
  }

  async request(isDryRun, then) {
    const { selection } = this;
    try {
      const answer = await post("/api/redrive", { ...selection, dry_run: isDryRun });
      if (selection === this.selection) then(answer);
    } catch (error) {
      if (selection === this.selection) this.show("failed", { error: error.message });
    }
  }

  show(step, { answer, error } = {}) {
    Object.assign(this, { step, answer, error });
    render(this.view(), this.dialog);
    this.dialog.querySelector("[autofocus]:not(:disabled)")?.focus();
  }

  view() {
    return html`
      <h2 id="redrive-title">${TITLES[this.step]}</h2>
      <div class="dialog-body" aria-live="polite">${BODIES[this.step](this)}</div>
      <form method="dialog" class="bar buttons">${this.buttons()}</form>`;
  }

  buttons() {
    if (this.step === "moved" || this.step === "failed") return html`<button class="primary" autofocus>Close</button>`;
    const total = totalOf(this.answer);
    return html`
      <button autofocus ?disabled=${this.step === "moving"}>Cancel</button>
      <button type="button" class="primary" ?disabled=${this.step !== "planned" || !total} @click=${() => this.move()}>
        ${total ? `Redrive ${plural(total, "message")}` : "Redrive"}
      </button>`;
  }
}

const TITLES = {
  planning: "Redrive?",
  planned: "Redrive?",
  moving: "Redriving …",
  moved: "Redriven",
  failed: "That did not work",
};

const BODIES = {
  planning: () => html`<p>Looking which messages go where …</p><progress aria-label="Looking"></progress>`,
  planned: ({ answer }) => html`${routesView(answer, "goes", "go", "Nothing can be redriven.")}
    ${totalOf(answer) ? html`<p class="dim">A redriven task is done anew; a redriven outcome is delivered anew.</p>` : nothing}`,
  moving: ({ answer }) => html`${routesView(answer, "goes", "go", "")}<progress aria-label="Redriving"></progress>`,
  moved: ({ answer }) => routesView(answer, "went", "went", "Nothing was moved."),
  failed: ({ error }) => html`<p class="problem" role="alert">${error}</p>`,
};

/** How many messages a plan or a result moves. */
export const totalOf = (answer) => (answer?.routes ?? []).reduce((sum, route) => sum + route.messages, 0);

function routesView({ routes, problems }, one, several, none) {
  return html`
    ${routes.length ? html`<ul>${routes.map((route) => html`
      <li><strong>${plural(route.messages, "message")}</strong> ${route.messages === 1 ? one : several} from
        <code>${route.source}</code> to <code>${route.destination}</code></li>`)}</ul>` : html`<p>${none}</p>`}
    ${problems.map((problem) => html`<p class="problem">${problem}</p>`)}`;
}
