/**
 * JSON whose numbers keep the digits they are written with: 0.877666663555222222 is not what JavaScript makes of it.
 *
 * https://tc39.es/proposal-json-parse-with-source/ gives a number's text, and writes it again. Where a browser lacks
 * that, a number is JavaScript's.
 */

const isExact = typeof JSON.rawJSON === "function";

/** The value of the text; a number that JavaScript would change is a `JSON.rawJSON`. Throws SyntaxError. */
export const parse = (text) =>
  JSON.parse(text, (_key, value, context) => (typeof value === "number" && context ? number(context.source) : value));

/** A number, exactly as the text has it. Throws SyntaxError where it is none of JSON's. */
export function number(text) {
  if (!isNumber(text)) throw new SyntaxError(`${text} is no number`);
  return isExact && !isKept(text) ? JSON.rawJSON(text) : Number(text);
}

/** Whether JavaScript's number is the same: 15 significant digits always are (IEEE 754 binary64), in its range. */
function isKept(text) {
  const significant = text.replace(/[eE].*/, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
  const magnitude = Math.abs(Number(text));
  return significant.length <= 15 && (significant === "" || (magnitude >= Number.MIN_VALUE * 2 ** 52 && magnitude < Infinity));
}

/** Whether the text is a number as JSON writes them (RFC 8259, section 6). */
export const isNumber = (text) => /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text);

/** Whether a parsed value is a number, in either form. */
export const isNumeric = (value) => typeof value === "number" || (isExact && JSON.isRawJSON(value));

/** The text of a value, indented by so many spaces where that is given. */
export const stringify = (value, indentation) => JSON.stringify(value, null, indentation);
