// The page: draws it, listens to the receiver, and to the person at it.
import { render } from "/static/web/vendor/lit-html/lit-html.js";
import { listen } from "/static/web/live.js";
import { follow, openStory } from "/static/actions.js";
import { draw, drawBy } from "/static/frame.js";
import { onKey } from "/static/keyboard.js";
import { cameToSay, sayIn } from "/static/news.js";
import { refreshAlerts, refreshAll, refreshMisbehaviour, refreshStory, refreshTasks } from "/static/readings.js";
import { inbox, isOfStory, misbehaviour, state } from "/static/state.js";
import { isListRead } from "/static/task_list.js";
import { page } from "/static/view.js";

let isOver = false; // the receiver has ended its stream: it cannot do otherwise

const HANDLERS = {
  callback(delivery) {
    inbox.heard(delivery.task_id);
    cameToSay(delivery);
    refreshTasks();
    if (isOfStory(delivery)) refreshStory();
    if (misbehaviour.standing?.deliveries) refreshMisbehaviour();
  },
  answered(answer) {
    inbox.answered(answer);
    refreshTasks();
    if (isOfStory(answer)) refreshStory();
  },
  alert(message) {
    refreshAlerts();
    if (state.story?.mayBeNamedBy(message)) refreshStory();
  },
  cleared: refreshAll,
  over() {
    isOver = true;
  },
  misbehaviour(standing) {
    misbehaviour.stands(standing);
    draw();
  },
};

function onConnection(connection) {
  if (connection === "live") refreshAll();
  const isPoll = state.connection === "polled" && connection === "live";
  state.connection = isOver || isPoll ? "polled" : connection;
  isOver = false;
  draw();
}

function onClick(event) {
  const link = event.target.closest("a[data-key]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  openStory(link.dataset.key);
}

function countDown() {
  if (misbehaviour.secondsLeft() === 0) refreshMisbehaviour();
  if (misbehaviour.standing?.seconds) draw();
}

drawBy(() => {
  inbox.hold(state.story !== null || isListRead());
  render(page(), document.getElementById("page"));
});
sayIn(document.getElementById("heard"));
addEventListener("keydown", onKey);
addEventListener("click", onClick);
addEventListener("focusin", draw);
addEventListener("resize", draw);
addEventListener("popstate", follow);
setInterval(countDown, 1000);
follow();
listen("/events", HANDLERS, onConnection);
