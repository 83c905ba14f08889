/** What is wrong, in words: read from the console's state alone. */

import { age, count, listed, plural } from "./words.js";

/** Longer than this, and a message has waited too long for a stack that keeps up. Seconds. */
const LONG_WAIT = 60;
const TREND_SECONDS = 60;

const SEVERITY = ["bad", "warn", "note"];

/**
 * What a person should know, the worst first.
 *
 * Each is `{level: "bad"|"warn"|"note", text, queue?, service?, link?: {href, text}}`: bad needs somebody, warn may soon,
 * a note is only to be known. `queue` and `service` name what it is about.
 */
export function findings(state) {
  const found = [...ofQueues(state), ...ofServices(state), ...ofTasks(state), ...ofQueuesMadeAnew(state)];
  return found.sort((one, other) => SEVERITY.indexOf(one.level) - SEVERITY.indexOf(other.level));
}

/** All messages of a queue, in flight or not: a look into a DLQ hides some for seconds and changes no number. */
export const messages = (queue) => (queue.waiting ?? 0) + (queue.in_flight ?? 0) + (queue.delayed ?? 0);

function ofQueues(state) {
  if (state.queues.length && state.queues.every((queue) => queue.error)) {
    return [{ level: "bad", text: `SQS does not answer: ${state.queues[0].error}` }];
  }
  const unknown = state.unclaimed_problem ? [{ level: "note", text: state.unclaimed_problem }] : [];
  return [...unknown, ...state.queues.flatMap((queue) => ofQueue(queue, state))];
}

function ofQueue(queue, state) {
  if (queue.error) return [about(queue, "bad", `${queue.name} does not answer: ${queue.error}`)];
  if (isUnclaimed(queue)) return unclaimed(queue);
  if (!queue.consumer) return leftForAPerson(queue);
  const consumers = consumersOf(queue, state);
  if (!consumers.length) return withoutConsumer(queue, state);
  if (queue.kind === "dlq") return unreported(queue);
  return [...fallingBehind(queue, state, consumers), ...waitingOutcomes(queue)];
}

/** Whether a queue, or the queue whose dead letters it holds, is that of a task type that is gone. */
export const isUnclaimed = (queue) => !queue.consumer && ["unclaimed", "dlq"].includes(queue.kind);

function unclaimed(queue) {
  const left = messages(queue);
  if (!left) return queue.kind === "dlq" ? [] : [about(queue, "note", `no task type claims ${queue.name}: it can be deleted once it and its DLQ are empty`)];
  const lost = left === 1 ? "nobody works it, nor reports it" : "nobody works them, nor reports them";
  return [about(queue, "bad", `${plural(left, "message")} in ${queue.name}, which no task type claims: ${lost}`)];
}

function leftForAPerson(queue) {
  const left = messages(queue);
  if (!left) return [];
  const link = { href: `#dead-letters/${queue.name}`, text: left === 1 ? "look at it" : "look at them" };
  return [about(queue, "bad", `${plural(left, "message")} ${left === 1 ? "waits" : "wait"} in ${queue.name} for a person`, link)];
}

function withoutConsumer(queue, state) {
  if (!state.services.length) return [];
  if (queue.waiting) {
    const takes = queue.waiting === 1 ? "nobody takes it" : "nobody takes them";
    return [about(queue, "bad", `${plural(queue.waiting, "message")} ${queue.waiting === 1 ? "waits" : "wait"} in ${queue.name} and ${takes}`)];
  }
  const isToldAlready = state.services.some((service) => !service.alive && mayConsume(service, queue));
  return isToldAlready ? [] : [about(queue, "warn", `nobody takes from ${queue.name}`)];
}

function mayConsume(service, queue) {
  return service.name === (queue.consumer === "worker" ? `worker-${queue.name}` : "dlq-watcher");
}

function unreported(queue) {
  if (!queue.waiting) return beingReported(queue);
  const link = { href: `#dead-letters/${queue.name}`, text: queue.waiting === 1 ? "look at it" : "look at them" };
  return [about(queue, "warn", `${plural(queue.waiting, "failed message")} in ${queue.name}, not yet reported by the DLQ watcher`, link)];
}

function beingReported(queue) {
  if (!queue.in_flight) return [];
  return [about(queue, "note", `${plural(queue.in_flight, "failed message")} of ${queue.name} in the hands of the DLQ watcher, or looked at`)];
}

function fallingBehind(queue, state, consumers) {
  if (!queue.waiting || !(queue.oldest_seconds >= LONG_WAIT)) return [];
  const atLeast = queue.oldest_is_at_least ? "at least " : "";
  const why = [
    ...(isGrowing(queue.history.waiting, state.sample_seconds) ? ["more come than go"] : []),
    ...(consumers.every((consumer) => consumer.busy >= consumer.slots) ? ["all slots are busy"] : []),
  ];
  const text = `${queue.name} falls behind: the oldest of ${count(queue.waiting)} has waited ${atLeast}${age(queue.oldest_seconds)}`;
  return [about(queue, "warn", why.length ? `${text}; ${listed(why)}` : text)];
}

function waitingOutcomes(queue) {
  const left = messages(queue);
  if (queue.name !== "callbacks" || !left) return [];
  return [about(queue, "note", `${plural(left, "outcome")} ${left === 1 ? "waits" : "wait"} for another delivery attempt`)];
}

function ofServices(state) {
  return state.services.flatMap((service) => {
    if (!service.alive) {
      return [{ level: "bad", service: service.url, text: `${service.name} does not answer${service.error ? ` (${service.error})` : ""}` }];
    }
    if (service.ready === false) {
      const reasons = service.reasons.length ? `: ${service.reasons.join("; ")}` : "";
      return [{ level: "bad", service: service.url, text: `${service.name} is not ready${reasons}` }];
    }
    return [];
  });
}

function ofTasks(state) {
  const failed = Math.round(total(state.series.failed, state.series.at));
  if (!failed) return [];
  const since = age(Math.max(60, state.series.at.at(-1) - state.series.at[0]));
  const link = state.links.inbox ? { href: state.links.inbox, text: "why, in the inbox" } : undefined;
  return [{ level: "note", text: `${plural(failed, "task")} failed for good in the last ${since}`, link }];
}

function ofQueuesMadeAnew({ made_anew: anew }) {
  if (!anew) return [];
  const at = new Date(anew.at * 1000).toLocaleTimeString("en-GB");
  return [{ level: anew.messages ? "bad" : "note", text: `at ${at}, ${anew.text}` }];
}

/** How many there were altogether, of a rate per second and the times at which it was taken. */
export function total(rates, at) {
  return rates.slice(1).reduce((sum, rate, index) => sum + (rate ?? 0) * (at[index + 1] - at[index]), 0);
}

/** The living consumers of a queue, over all instances. */
export function consumersOf(queue, state) {
  const alive = state.services.filter((service) => service.alive);
  return alive.flatMap((service) => service.consumers.filter((consumer) => consumer.queue === queue.name));
}

function isGrowing(waiting, sampleSeconds) {
  const last = waiting.slice(-Math.ceil(TREND_SECONDS / sampleSeconds)).filter((number) => number != null);
  return last.length > 1 && last.at(-1) > last[0];
}

const about = (queue, level, text, link) => ({ level, queue: queue.name, text, link });
