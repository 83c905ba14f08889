// Does an asynchronous thing again whenever it is asked for, never twice at a time, and rests between.

/** A function that asks for `run`; asked while it runs or rests, it runs once more behind that. */
export function repeated(run, restMs) {
  let isBusy = false;
  let isWanted = false;
  return async function ask() {
    isWanted = true;
    if (isBusy) return;
    isBusy = true;
    while (isWanted) {
      isWanted = false;
      await run();
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    isBusy = false;
  };
}
