// The receiver's HTTP API.

/** The JSON of a GET; parameters that are null or empty are left out. Throws an Error that says what went wrong. */
export async function read(path, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return answered(await reach(`${path}?${new URLSearchParams(given)}`));
}

/** Change something; the JSON of the answer, null where it has none. Throws as `read` does. */
export async function change(method, path, body) {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  return answered(await reach(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw new Error("the receiver does not answer");
  }
}

async function answered(response) {
  const text = await response.text();
  if (!response.ok) throw new Error(reasonIn(text) ?? `the receiver answered ${response.status}`);
  return text ? JSON.parse(text) : null;
}

function reasonIn(text) {
  try {
    const { detail } = JSON.parse(text);
    return Array.isArray(detail) ? detail.map((one) => `${one.loc.at(-1)}: ${one.msg}`).join("; ") : detail;
  } catch {
    return null;
  }
}
