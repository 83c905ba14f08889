// A stream of server-sent events that always comes back, and a badge that says whether it is there.
// Where the browser gives up (the answer was no stream), it is opened anew; then Last-Event-ID is lost, so a page reads
// its state again each time the stream says "live".
import { html } from "/static/web/vendor/lit-html/lit-html.js";

const REOPEN_AFTER_MS = 2000;

/**
 * Listen to a URL. `handlers` are functions of an event's data (JSON) by the event's name; `onState` hears
 * "connecting", "live" and "lost". Returns a function that ends it.
 */
export function listen(url, handlers, onState) {
  let source;
  let reopening;
  const open = () => {
    source = new EventSource(url);
    source.onopen = () => onState("live");
    source.onerror = () => {
      onState("lost");
      if (source.readyState === EventSource.CLOSED) reopening = setTimeout(open, REOPEN_AFTER_MS);
    };
    for (const [name, handle] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handle(JSON.parse(event.data)));
    }
  };
  onState("connecting");
  open();
  return () => {
    clearTimeout(reopening);
    source.close();
  };
}

const BADGES = {
  connecting: ["", "…", "connecting"],
  live: ["good", "●", "live"],
  lost: ["warn", "○", "reconnecting"],
  polled: ["", "↻", "read again and again"],
};

/** The badge of a state of the stream. */
export function connectionBadge(state) {
  const [look, sign, word] = BADGES[state];
  return html`<span class="state ${look}" role="status"><span aria-hidden="true">${sign}</span>${word}</span>`;
}
