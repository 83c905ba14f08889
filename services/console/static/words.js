/** Numbers and lists as people read them. */

import { duration as durationText } from "/static/web/time.js";

const COUNT = new Intl.NumberFormat("en");
const LIST = new Intl.ListFormat("en");

/** `1,340`; a dash where the number is not known. */
export const count = (number) => (number == null ? "–" : COUNT.format(number));

/** `1 message`, `2 messages`. */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** `a, b, and c`. */
export const listed = (texts) => LIST.format(texts);

/** `0.2/s`, `12/s`; a dash where the rate is not known. */
export const rate = (perSecond) => (perSecond == null ? "–" : `${digits(perSecond)}/s`);

/** `4.2 %` of a part between 0 and 1; a dash where it is not known. */
export const percent = (part) => (part == null ? "–" : `${digits(part * 100)} %`);

/** `840 ms`, `2.4 s`, `3 min 12 s`; a dash where it is not known. */
export const duration = (seconds) => (seconds == null ? "–" : durationText(seconds));

/** An age or an uptime in whole seconds: `2 s`, `3 min 12 s`; a dash where it is not known. */
export function age(seconds) {
  if (seconds == null) return "–";
  return seconds < 60 ? `${Math.floor(seconds)} s` : durationText(Math.floor(seconds));
}

function digits(number) {
  if (number === 0) return "0";
  if (number < 0.01) return "< 0.01";
  return count(Number(number.toPrecision(number < 10 ? 2 : 3)));
}
