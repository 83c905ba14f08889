/** Which of the page's views is shown, and how: the fragment of its address says it, so that each can be linked to and a reload loses nothing; no element has it as its id, to which the browser would scroll. */

export const VIEWS = [
  { id: "overview", title: "Overview", key: "1" },
  { id: "dead-letters", title: "Dead letters", key: "2" },
  { id: "submit", title: "Submit a task", key: "3" },
];

/** The view that a fragment such as `#dead-letters/undelivered?reason=503` names, what in it, and how: `{id, detail, parameters}`. */
export function viewOf(fragment) {
  const [path, query = ""] = fragment.replace(/^#/, "").split("?");
  const [id, detail = null] = path.split("/");
  if (!VIEWS.some((view) => view.id === id)) return { id: VIEWS[0].id, detail: null, parameters: {} };
  return { id, detail, parameters: Object.fromEntries(new URLSearchParams(query)) };
}

/** The fragment that names a view; parameters that are empty are left out. */
export function addressOf(id, detail = null, parameters = {}) {
  const given = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
  return `#${id}${detail ? `/${detail}` : ""}${given.size ? `?${given}` : ""}`;
}

let followed = null;

/** What the page's address names now. */
export function follow() {
  followed = location.hash;
  return viewOf(followed);
}

/** Let the page's address say what is shown, unless it was changed meanwhile and is to be followed. */
export function keepAddress(address) {
  if (location.hash !== followed || location.hash === address) return;
  history.replaceState(null, "", address);
  followed = location.hash;
}
