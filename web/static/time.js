// Times and durations for people. A time may be a Date, ISO 8601 text, or seconds since the epoch.
import { html } from "/static/web/vendor/lit-html/lit-html.js";

const two = (number) => String(number).padStart(2, "0");

/** The Date of a time. */
export function dateOf(time) {
  return typeof time === "number" ? new Date(time * 1000) : new Date(time);
}

/** "14:03:09" of this day, else "24 Nov 14:03"; in the person's own zone. `digits` are those of the second. */
export function clockTime(time, { digits = 0, now = new Date() } = {}) {
  const date = dateOf(time);
  const fraction = digits ? `.${String(date.getMilliseconds()).padStart(3, "0").slice(0, digits)}` : "";
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}${fraction}`;
  if (date.toDateString() === now.toDateString()) return clock;
  return `${date.getDate()} ${date.toLocaleString("en", { month: "short" })} ${digits ? clock : clock.slice(0, 5)}`;
}

/** "4 ms", "3.2 s", "12 s", "1 min 5 s", "2 h 3 min", "3 d 4 h". */
export function duration(seconds) {
  const milliseconds = seconds * 1000;
  if (milliseconds < 9.95) return `${Number(milliseconds.toFixed(1))} ms`;
  if (milliseconds < 999.5) return `${Math.round(milliseconds)} ms`;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return parts(whole, 60, "min", 1, "s");
  if (whole < 86_400) return parts(whole, 3600, "h", 60, "min");
  return parts(whole, 86_400, "d", 3600, "h");
}

function parts(seconds, large, largeUnit, small, smallUnit) {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)} ${largeUnit}${rest ? ` ${rest} ${smallUnit}` : ""}`;
}

/** "3.2 s ago"; "now" within the second. */
export function ago(time, now = new Date()) {
  const seconds = (now - dateOf(time)) / 1000;
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}

/** A <time> with the clock's time; the whole of it, in UTC, is in its title. */
export function timeElement(time, options) {
  const iso = dateOf(time).toISOString();
  return html`<time datetime=${iso} title=${iso}>${clockTime(time, options)}</time>`;
}
