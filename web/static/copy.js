// A button that copies a text to the clipboard, and says so.
import { html } from "/static/web/vendor/lit-html/lit-html.js";

const SAID_FOR_MS = 2000;

/** The button; `text` is a string or a function that returns one; `what` is named to those who cannot see beside what it is. */
export function copyButton(text, what = "") {
  return html`<button type="button" class="copy" @click=${(event) => copy(event.currentTarget, text)}
    ><span aria-live="polite">Copy</span><span class="visually-hidden"> ${what}</span></button>`;
}

async function copy(button, text) {
  const said = button.firstElementChild;
  try {
    await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
    said.textContent = "Copied";
  } catch {
    said.textContent = "Not copied: select it";
  }
  setTimeout(() => (said.textContent = "Copy"), SAID_FOR_MS);
}
