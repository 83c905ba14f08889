// The filter of the list: a text, and one of the states.
import { html } from "/static/web/vendor/lit-html/lit-html.js";
import { live } from "/static/web/vendor/lit-html/directives/live.js";
import { onFilterTyped, setFilter } from "/static/actions.js";
import { inbox, state } from "/static/state.js";
import { STATES } from "/static/words.js";

export function filterBar() {
  return html`
    <div class="toolbar">
      <label class="visually-hidden" for="filter">Filter by task id, or by text in a body</label>
      <input id="filter" type="search" placeholder="Task id, or text in a body (press /)" autocomplete="off" spellcheck="false"
        .value=${live(typed())} @input=${onFilterTyped}>
      <div class="states" role="group" aria-label="State">
        ${stateButton("", "all", inbox.total())}
        ${Object.entries(STATES).map(([name, [, sign, word]]) => stateButton(name, html`<span aria-hidden="true">${sign}</span> ${word}`, inbox.states[name] ?? 0))}
      </div>
    </div>`;
}

/** While a person types, the field is theirs. */
function typed() {
  const input = document.getElementById("filter");
  return input && document.activeElement === input ? input.value : state.address.text;
}

function stateButton(name, said, count) {
  return html`<button type="button" aria-pressed=${state.address.state === name} @click=${() => setFilter({ state: name })}>${said} <span class="count">${count.toLocaleString("en")}</span></button>`;
}
