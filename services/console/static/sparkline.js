/** A queue's last minutes as a small picture: what waits as a surface, what is in flight as a line. */

import { html, svg } from "/static/web/vendor/lit-html/lit-html.js";
import { count, age } from "./words.js";

const WIDTH = 150;
const HEIGHT = 28;
const TOP = 2;

/** The picture and, beside it, the highest number in it; `longest` is how many samples fill its width. */
export function sparkline({ waiting, in_flight: inFlight }, sampleSeconds, longest = 150) {
  const highest = Math.max(0, ...waiting, ...inFlight);
  const place = placing(waiting.length, longest, Math.max(1, highest));
  return html`
    <span class="sparkline">
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT} role="img"
        aria-label=${description(waiting, inFlight, sampleSeconds)} preserveAspectRatio="none">
        ${svg`<path class="ground" d="M0 ${HEIGHT - 0.5}H${WIDTH}"/>
          <path class="waiting" d=${surface(waiting, place)}/>
          <path class="in-flight" d=${inFlight.some(Boolean) ? line(inFlight, place) : ""}/>`}
      </svg>
      <span class="highest dim" title="highest">${count(highest)}</span>
    </span>`;
}

/** The picture in words. */
export function description(waiting, inFlight, sampleSeconds) {
  if (!waiting.length) return "no samples yet";
  const minutes = age(waiting.length * sampleSeconds);
  return `last ${minutes}: at most ${count(Math.max(0, ...waiting))} waiting and ${count(Math.max(0, ...inFlight))} in flight`;
}

function placing(samples, longest, highest) {
  const step = WIDTH / Math.max(1, longest - 1);
  const left = WIDTH - (samples - 1) * step;
  return (number, index) => `${round(left + index * step)} ${round(HEIGHT - 1 - (number / highest) * (HEIGHT - 1 - TOP))}`;
}

/** The points of `numbers`, drawn through; parted where a sample is missing. */
export function line(numbers, place) {
  let isDrawing = false;
  return numbers.map((number, index) => {
    if (number == null) {
      isDrawing = false;
      return "";
    }
    const command = isDrawing ? "L" : "M";
    isDrawing = true;
    return command + place(number, index);
  }).join("");
}

function surface(numbers, place) {
  return runs(numbers).map(([first, last]) => {
    const top = numbers.slice(first, last + 1).map((number, index) => place(number, first + index));
    const [start] = place(0, first).split(" ");
    return `M${start} ${HEIGHT}L${top.join("L")}V${HEIGHT}Z`;
  }).join("");
}

function runs(numbers) {
  const found = [];
  numbers.forEach((number, index) => {
    if (number == null) return;
    if (found.at(-1)?.[1] === index - 1) found.at(-1)[1] = index;
    else found.push([index, index]);
  });
  return found;
}

const round = (number) => Math.round(number * 10) / 10;
