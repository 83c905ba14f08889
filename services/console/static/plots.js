/** The plots over time: one time axis and one cursor for all. */

import { html, render } from "/static/web/vendor/lit-html/lit-html.js";
import { PLOTS, isEmpty, lastKnown, minutes, summary, timeWindow } from "./plot-data.js";

const { uPlot } = window;

const HEIGHT = 150;
const DASHES = [[6, 3], [], [2, 2]];
const CURSOR = "time";

/** A line of the `stroke` as the legend shows it: distinguished by its dashes, too. */
const sample = (stroke) => html`
  <svg width="24" height="10" aria-hidden="true"><path class="stroke-${stroke}" d="M0 5H24" stroke-dasharray=${DASHES[stroke].join(" ")}/></svg>`;

/** What a custom property comes to in the theme of the page: a canvas does not know light-dark(). */
function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/** All plots in `place`, drawn from the series of the state. */
export class Plots {
  constructor(place) {
    this.plots = PLOTS.map((plot) => new Plot(plot));
    place.replaceChildren(...this.plots.map((plot) => plot.element));
    new ResizeObserver(() => this.plots.forEach((plot) => plot.fit())).observe(place);
    // Colours are read when a canvas is drawn.
    new MutationObserver(() => this.redraw()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  show(series) {
    this.plots.forEach((plot) => plot.show(series));
  }

  redraw() {
    this.plots.forEach((plot) => plot.chart.redraw());
  }
}

class Plot {
  constructor(plot) {
    this.plot = plot;
    this.series = null;
    this.element = document.createElement("figure");
    this.element.className = "plot panel";
    this.element.dataset.plot = plot.id;
    this.canvasPlace = document.createElement("div");
    this.canvasPlace.className = "canvas";
    this.render();
    this.chart = new uPlot(this.options(), [[], ...plot.lines.map(() => [])], this.canvasPlace);
  }

  show(series) {
    this.series = series;
    this.chart.setData([series.at, ...this.plot.lines.map((line) => line.values(series))], false);
    const [min, max] = timeWindow(series.at);
    this.chart.setScale("x", { min, max });
    this.render();
  }

  fit() {
    const { clientWidth } = this.canvasPlace;
    if (clientWidth && clientWidth !== this.chart.width) this.chart.setSize({ width: clientWidth, height: HEIGHT });
  }

  render() {
    const { plot, series } = this;
    const nothingYet = !series || isEmpty(plot, series);
    render(html`
      <figcaption><h3>${plot.title}</h3> <span class="dim">${plot.unit}</span></figcaption>
      <div role="img" aria-label=${series ? summary(plot, series) : plot.title} class="picture">
        ${this.canvasPlace}
        <p class="dim nothing-yet" ?hidden=${!nothingYet}><span>Nothing yet: submit a task, or run <code>make demo</code>.</span></p>
      </div>
      <ul class="legend">${plot.lines.map((line, index) => this.legendEntry(line, index))}</ul>
      <details @toggle=${() => this.render()}>
        <summary class="dim">As a table</summary>
        ${series && this.element.querySelector("details")?.open ? tableView(plot, series) : ""}
      </details>`, this.element);
  }

  legendEntry(line, index) {
    return html`<li>${sample(line.stroke)} ${line.label} <span class="number value">${this.plot.format(this.valueOf(line, index))}</span></li>`;
  }

  /** Under the cursor; without one the last that is known. */
  valueOf(line, index) {
    if (!this.series) return null;
    const at = this.chart?.cursor.idx;
    return at == null ? lastKnown(line.values(this.series)) : this.chart.data[index + 1][at];
  }

  options() {
    const axis = { stroke: () => colour("--dim"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: 300,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: CURSOR }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: { x: { time: true }, y: { range: (_chart, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
      axes: [
        { ...axis, size: 28, space: 70, values: (_chart, ticks) => ticks.map(timeText) },
        { ...axis, size: 66, space: 32, values: (_chart, ticks) => ticks.map((tick) => this.plot.format(tick)) },
      ],
      series: [{}, ...this.plot.lines.map(lineOptions)],
      hooks: { setCursor: [() => this.render()] },
    };
  }
}

const lineOptions = ({ label, stroke }) => ({
  label,
  stroke: () => colour(`--stroke-${stroke}`),
  width: 2,
  dash: DASHES[stroke],
  // Of a latency there may be one sample between two quiet times, which no line shows.
  points: { show: true, size: 4, width: 0, fill: () => colour(`--stroke-${stroke}`), filter: lonely },
});

/** The indexes of the values that have no neighbour. */
function lonely(chart, index, _show, _gaps) {
  const values = chart.data[index];
  const [first, last] = chart.series[0].idxs;
  const found = [];
  for (let each = first; each <= last; each++) {
    if (values[each] != null && values[each - 1] == null && values[each + 1] == null) found.push(each);
  }
  return found;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const CLOCK_WITH_SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

const timeText = (seconds) => (seconds % 60 ? CLOCK_WITH_SECONDS : CLOCK).format(seconds * 1000);

const tableView = (plot, series) => html`
  <div class="scrolled" tabindex="0" role="region" aria-label="${plot.title} as a table">
    <table>
      <caption class="dim">Means of a minute, the newest first</caption>
      <thead><tr><th scope="col">From</th>${plot.lines.map((line) => html`<th scope="col" class="number">${line.label}</th>`)}</tr></thead>
      <tbody>${minutes(plot, series).map(({ at, values }) => html`
        <tr><th scope="row">${timeText(at)}</th>${values.map((value) => html`<td class="number">${plot.format(value)}</td>`)}</tr>`)}
      </tbody>
    </table>
  </div>`;
