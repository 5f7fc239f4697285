// The gateway over HTTP. A write that cannot be sent now waits in the outbox with its own key, so
// that sending it twice stores it once.
import { drop, keep, kept, queue, waiting, waitingKeys } from "./records.js";
import { language } from "./texts.js";

export class Problem extends Error {
  constructor(status, document) {
    super(document.title ?? String(status));
    this.status = status;
    this.code = document.code;
    this.document = document;
  }
}

async function send(method, path, body, headers = {}) {
  const session = await kept("session");
  const answer = await fetch(path, {
    method,
    cache: "no-store",
    headers: {
      "Accept-Language": language(),
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(session ? { Authorization: `Bearer ${session.access_token}` } : {}),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

let refreshing;

async function refresh() {
  const session = await kept("session");
  if (!session) throw new Problem(401, {});
  const fresh = await send("POST", "/v1/tokens", { refresh_token: session.refresh_token });
  await keep("session", fresh);
}

async function signedIn(method, path, body, headers) {
  try {
    return await send(method, path, body, headers);
  } catch (problem) {
    if (problem.status !== 401) throw problem;
    // Two requests that expire together share one refresh.
    refreshing ??= refresh().finally(() => { refreshing = undefined; });
    await refreshing;
    return send(method, path, body, headers);
  }
}

export const get = (path) => signedIn("GET", path);
export const put = (path, body) =>
  signedIn("PUT", path, body, { "Idempotency-Key": crypto.randomUUID() });
export const post = (path, body, key = crypto.randomUUID()) =>
  signedIn("POST", path, body, { "Idempotency-Key": key });

export async function enrol(code, device) {
  await keep("session", await send("POST", "/v1/enrolments", { enrolment_code: code, device }));
}

const isOutage = (error) => !(error instanceof Problem) || error.status >= 500 || error.status === 429;

// Returns the answer, or null when the upload waits for the network.
export async function upload(path, item) {
  const { patient_id: owner } = await kept("session");
  const entry = { path, body: { items: [item] }, key: crypto.randomUUID(), owner };
  const place = await queue(entry);
  try {
    const answer = await post(entry.path, entry.body, entry.key);
    await drop(place);
    return answer;
  } catch (error) {
    if (isOutage(error)) return null;
    await drop(place);
    throw error;
  }
}

// Sends what waits, oldest first; returns the answers. Stops at the first outage. What another
// person entered before this phone changed hands is dropped, never sent under this one's name.
export async function flush() {
  const answers = [];
  const { patient_id: owner } = await kept("session");
  for (const place of await waitingKeys()) {
    const entry = await waiting(place);
    if (!entry) continue;
    if (entry.owner !== owner) {
      await drop(place);
      continue;
    }
    try {
      answers.push(await post(entry.path, entry.body, entry.key));
      await drop(place);
    } catch (error) {
      if (isOutage(error) || error.status === 401) break;
      await drop(place);
    }
  }
  return answers;
}
