/** What the plots show, and what they say in words and numbers. */

import { duration, percent, rate } from "./words.js";

const PERCENTILES = [
  { key: "p50", label: "p50", stroke: 0 },
  { key: "p95", label: "p95", stroke: 1 },
  { key: "p99", label: "p99", stroke: 2 },
];

const latency = (id, title, of) => ({
  id,
  title,
  unit: "percentiles",
  format: duration,
  lines: PERCENTILES.map((line) => ({ ...line, values: (series) => series[of][line.key] })),
});

const plain = (key, label, stroke) => ({ key, label, stroke, values: (series) => series[key] });

/** Each plot: its title, its unit in words, how a value is written, and its lines. `stroke` chooses colour and dashes. */
export const PLOTS = [
  {
    id: "throughput",
    title: "Tasks",
    unit: "per second",
    format: rate,
    lines: [plain("accepted", "accepted", 0), plain("done", "done", 1), plain("failed", "failed", 2)],
  },
  { id: "failure-rate", title: "Failure rate", unit: "of the tasks that ended", format: percent, lines: [plain("failure_rate", "failed for good", 2)] },
  latency("queue-wait", "Wait in the queue", "queue_wait"),
  latency("end-to-end", "From accepted to delivered", "end_to_end"),
  {
    id: "deliveries",
    title: "Callback deliveries",
    unit: "attempts per second",
    format: rate,
    lines: [plain("delivered", "delivered", 1), plain("refused", "refused", 2)],
  },
  latency("work", "Work on a task", "work"),
];

const WINDOWS = [120, 300, 900];

/** From when to when the plots reach: the shortest of 2, 5 and 15 minutes that holds all samples. Unix seconds. */
export function timeWindow(at) {
  const end = at.at(-1) ?? 0;
  const span = at.length ? end - at[0] : 0;
  return [end - (WINDOWS.find((seconds) => seconds >= span) ?? WINDOWS.at(-1)), end];
}

/** Whether a plot has anything to show: a value that is known. */
export const isEmpty = (plot, series) => plot.lines.every((line) => line.values(series).every((value) => value == null));

/** A plot in a sentence, for those who do not see it. */
export function summary(plot, series) {
  if (isEmpty(plot, series)) return `${plot.title}: nothing happened yet.`;
  return `${plot.title}: ${plot.lines.map((line) => lineSummary(plot, line, series)).join("; ")}.`;
}

function lineSummary(plot, line, series) {
  const known = line.values(series).filter((value) => value != null);
  if (!known.length) return `${line.label} none`;
  return `${line.label} last ${plot.format(known.at(-1))}, at most ${plot.format(Math.max(...known))}`;
}

/** The last value of a line that is known, so that a legend at rest says what was there last. */
export const lastKnown = (values) => values.findLast((value) => value != null) ?? null;

/** A row for each minute, the newest first: `{at, values}`, each value the mean over the minute, null where none is known. */
export function minutes(plot, series) {
  const groups = Map.groupBy(series.at.keys(), (index) => Math.floor(series.at[index] / 60) * 60);
  const rows = [...groups].map(([at, indexes]) => ({
    at,
    values: plot.lines.map((line) => mean(indexes.map((index) => line.values(series)[index]))),
  }));
  return rows.reverse();
}

function mean(values) {
  const known = values.filter((value) => value != null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

