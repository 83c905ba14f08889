// Messages to Slack as Slack shows them: https://docs.slack.dev/reference/block-kit/blocks
import { html, nothing } from "/static/web/vendor/lit-html/lit-html.js";
import { repeat } from "/static/web/vendor/lit-html/directives/repeat.js";
import { timeElement } from "/static/web/time.js";
import { mrkdwn, unescaped } from "/static/mrkdwn.js";

/** The channel: messages oldest first, as the API lists them; the newest is shown on top. */
export function alertsPane(messages, { hrefOf }) {
  return html`
    <section class="alerts panel" aria-labelledby="alerts-heading">
      <header><h2 id="alerts-heading">Slack alerts</h2><span class="dim">${channels(messages)}</span></header>
      <div class="content slack">
        ${messages.length === 0
          ? html`<p class="empty">No alert has come: no task has failed for good.</p>`
          : repeat([...messages].reverse(), (message) => message.ts, (message) => alertMessage(message, { hrefOf }))}
      </div>
    </section>`;
}

function channels(messages) {
  return [...new Set(messages.map((message) => message.channel))].join(", ");
}

/** One message; the ids of tasks in it lead to their stories. */
export function alertMessage(message, { hrefOf, ownTask = null }) {
  const linkOf = (id) => (id === ownTask ? id : html`<a href=${hrefOf(id)} data-key=${id}>${id}</a>`);
  return html`
    <article class="message">
      <span class="avatar" aria-hidden="true">${botName(message).slice(0, 1).toUpperCase()}</span>
      <div>
        <p class="from"><b>${botName(message)}</b> <span class="app">APP</span> <span class="dim">${timeElement(Number(message.ts))}</span></p>
        ${message.blocks.length ? message.blocks.map((block) => blockView(block, linkOf)) : html`<p class="text">${mrkdwn(message.text, linkOf)}</p>`}
        ${(message.attachments ?? []).map((attachment) => attachmentView(attachment, linkOf))}
      </div>
    </article>`;
}

function botName(message) {
  return message.username || "Alerts";
}

function blockView(block, linkOf) {
  switch (block.type) {
    case "header":
      return html`<h4>${unescaped(block.text.text)}</h4>`;
    case "section":
      return html`${block.text ? html`<div class="text">${textView(block.text, linkOf)}</div>` : nothing}
        ${block.fields ? html`<div class="fields">${block.fields.map((field) => html`<div class="text">${textView(field, linkOf)}</div>`)}</div>` : nothing}`;
    case "context":
      return html`<div class="context">${block.elements.map((element) => html`<span>${elementView(element, linkOf)}</span>`)}</div>`;
    case "divider":
      return html`<hr>`;
    default:
      return html`<p class="dim">(a block of type ${block.type})</p>`;
  }
}

function elementView(element, linkOf) {
  return element.type === "image" ? `[${element.alt_text}]` : textView(element, linkOf);
}

function textView(text, linkOf) {
  return text.type === "mrkdwn" ? mrkdwn(text.text, linkOf) : unescaped(text.text);
}

function attachmentView(attachment, linkOf) {
  const text = attachment.text ?? attachment.fallback ?? "";
  return html`<div class="attachment">
    ${attachment.title ? html`<p><b>${attachment.title}</b></p>` : nothing}
    ${text ? html`<div class="text">${mrkdwn(text, linkOf)}</div>` : nothing}
    ${(attachment.blocks ?? []).map((block) => blockView(block, linkOf))}
  </div>`;
}
