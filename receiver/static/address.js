// The page's address: `task` is the story that is open, `text` and `state` are the filter, and `pane` is "alerts" where
// these are shown and there is room for one pane only.

export function readAddress() {
  const parameters = new URLSearchParams(location.search);
  const textOf = (name) => parameters.get(name) ?? "";
  return { task: parameters.get("task"), text: textOf("text"), state: textOf("state"), pane: textOf("pane") };
}

/** The address of these; a task may be "", for the deliveries of none. */
export function addressOf({ task, text, state, pane }) {
  const parameters = new URLSearchParams();
  if (task !== null) parameters.set("task", task);
  if (text) parameters.set("text", text);
  if (state) parameters.set("state", state);
  if (pane) parameters.set("pane", pane);
  return `${location.pathname}${parameters.size ? `?${parameters}` : ""}`;
}
