// Slack's markup of text as Slack shows it: https://docs.slack.dev/messaging/formatting-message-text
// Everything becomes text of a template, so nothing in a message can become markup of the page.
import { html } from "/static/web/vendor/lit-html/lit-html.js";

// The one that the alerts use is a picture of our own: not every machine has a font for it.
const EMOJI = {
  rotating_light: html`<img class="emoji" src="/static/rotating_light.svg" alt=":rotating_light:">`,
  warning: "⚠", x: "✕", white_check_mark: "✓", fire: "🔥", bell: "🔔", eyes: "👀", tada: "🎉",
};

// Outermost first: what is inside of code is not looked at again. Each makes of its match what is shown, with the
// function that shows the markup inside of it.
const RULES = [
  [/```\n?([\s\S]*?)```/g, ([, code]) => html`<pre tabindex="0">${unescaped(code)}</pre>`],
  [/`([^`\n]+)`/g, ([, code]) => html`<code>${unescaped(code)}</code>`],
  [
    /<((?:https?:\/\/|mailto:)[^|>\s]+)(?:\|([^>]*))?>/g,
    ([, url, label]) => html`<a href=${unescaped(url)} rel="noreferrer" target="_blank">${unescaped(label || url)}</a>`,
  ],
  [/<([@#!])([^|>]*)(?:\|([^>]*))?>/g, ([, sign, id, label]) => html`<b>${mention(sign, id, label)}</b>`],
  [/(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])/g, ([, inside], show) => html`<b>${show(inside)}</b>`],
  [/(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])/g, ([, inside], show) => html`<i>${show(inside)}</i>`],
  [/(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])/g, ([, inside], show) => html`<s>${show(inside)}</s>`],
  [/:([a-z0-9_+-]+):/g, ([whole, name]) => EMOJI[name] ?? whole],
];

const TASK_ID = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/** The text as a template; `linkOf` makes of a task's id what is shown in its place. */
export function mrkdwn(text, linkOf) {
  return shown(text, [...RULES, [TASK_ID, ([id]) => linkOf(id)]]);
}

/** The ids of tasks that a text names. */
export function taskIdsIn(text) {
  return [...new Set(text.match(TASK_ID))];
}

/** Text in which Slack has escaped its own signs. */
export function unescaped(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

function shown(text, [rule, ...others]) {
  if (rule === undefined) return unescaped(text);
  const [pattern, show] = rule;
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    parts.push(shown(text.slice(end, match.index), others), show(match, (inside) => shown(inside, others)));
    end = match.index + match[0].length;
  }
  return [...parts, shown(text.slice(end), others)];
}

function mention(sign, id, label) {
  return sign === "#" ? `#${unescaped(label || id)}` : `@${unescaped(label || id)}`;
}
