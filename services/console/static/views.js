/** Which of the page's views is shown: the fragment of its address says it, so that each can be linked to; no element has it as its id, to which the browser would scroll. */

export const VIEWS = [
  { id: "overview", title: "Overview", key: "1" },
  { id: "dead-letters", title: "Dead letters", key: "2" },
  { id: "submit", title: "Submit a task", key: "3" },
];

/** The view that a fragment such as `#dead-letters/undelivered` names, and what in it: `{id, detail}`. */
export function viewOf(fragment) {
  const [id, detail = null] = decodeURIComponent(fragment.replace(/^#/, "")).split("/");
  return VIEWS.some((view) => view.id === id) ? { id, detail } : { id: VIEWS[0].id, detail: null };
}
