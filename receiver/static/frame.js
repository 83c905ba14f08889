// Draws the page again when something has changed, at most once a frame.

let render;
let drawing = null;

/** Draw the page so from now on, and at once. */
export function drawBy(renderPage) {
  render = renderPage;
  render();
}

/** Draw what has changed with the next frame. */
export function draw() {
  drawing ??= new Promise((resolve) => requestAnimationFrame(resolve)).then(() => {
    drawing = null;
    render();
  });
}

/** Resolves when what has changed is drawn. */
export function drawn() {
  return drawing ?? Promise.resolve();
}
