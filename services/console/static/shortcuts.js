/** Keys that do what a button does, and the dialog that lists them. */

import { html, render } from "/static/web/vendor/lit-html/lit-html.js";

/** Call what belongs to a key, unless it is typed into a field, held with another key, or a dialog is open. */
export function listenForKeys(shortcuts) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const shortcut = shortcuts.find(({ key }) => key === event.key);
    if (!shortcut) return;
    event.preventDefault();
    shortcut.act();
  });
}

const isTyping = (element) => element.matches("input:not([type=checkbox]), textarea, select");

/** Show what each key does. */
export function showKeys(dialog, shortcuts) {
  render(html`
    <h2 id="help-title">Keys</h2>
    <dl class="keys">${shortcuts.map(({ key, does }) => html`<div><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}</dl>
    <form method="dialog" class="bar buttons"><button class="primary" autofocus>Close</button></form>`, dialog);
  dialog.showModal();
}
