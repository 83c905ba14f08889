// JSON for people: indented and coloured. It is never parsed to numbers, so every digit stays as it was written.
import { html } from "/static/web/vendor/lit-html/lit-html.js";

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const DEEPEST_INDENT = 40;
const MOST_COLOURED = 5000; // tokens; each is an element

/** Whether a text is JSON. */
export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The JSON text, indented by two spaces a level. */
export function prettyText(text) {
  return pieces(text).map(([, piece]) => piece).join("");
}

/** The JSON text as a template: keys, strings, numbers and words are of the classes json-key, json-string, … */
export function prettyJson(text) {
  const all = pieces(text);
  if (all.length > MOST_COLOURED) return html`${all.map(([, piece]) => piece).join("")}`;
  return all.map(([kind, piece]) => (kind ? html`<span class="json-${kind}">${piece}</span>` : piece));
}

function pieces(text) {
  const tokens = text.match(TOKENS) ?? [];
  const all = [];
  let depth = 0;
  const newLine = () => all.push([null, `\n${"  ".repeat(Math.min(depth, DEEPEST_INDENT))}`]);
  tokens.forEach((token, index) => {
    const isEmpty = "}]".includes(tokens[index + 1]) && "{[".includes(token);
    const closesEmpty = "}]".includes(token) && "{[".includes(tokens[index - 1] ?? " ");
    if ("}]".includes(token)) depth -= 1;
    if ("}]".includes(token) && !closesEmpty) newLine();
    all.push([kindOf(token, tokens[index + 1]), readable(token)]);
    if ("{[".includes(token)) depth += 1;
    if (token === ":") all.push([null, " "]);
    if (token === "," || ("{[".includes(token) && !isEmpty)) newLine();
  });
  return all;
}

function kindOf(token, next) {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  if ("{}[],:".includes(token)) return null;
  return /^[-\d]/.test(token) ? "number" : "word";
}

function readable(token) {
  return token.startsWith('"') && token.includes("\\u") && isJson(token) ? JSON.stringify(JSON.parse(token)) : token;
}
