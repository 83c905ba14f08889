// The page's address: `task` is the story that is open, `text` and `state` are the filter.

export function readAddress() {
  const parameters = new URLSearchParams(location.search);
  return { task: parameters.get("task"), text: parameters.get("text") ?? "", state: parameters.get("state") ?? "" };
}

/** The address of these; a task may be "", for the deliveries of none. */
export function addressOf({ task, text, state }) {
  const parameters = new URLSearchParams();
  if (task !== null) parameters.set("task", task);
  if (text) parameters.set("text", text);
  if (state) parameters.set("state", state);
  return `${location.pathname}${parameters.size ? `?${parameters}` : ""}`;
}
