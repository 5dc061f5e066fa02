// The page /demo/api: ten calls at once, and what became of each.
import { SessionEndedError, sessionFetch } from "./session-client.js";

const CALLS = 10;
const button = document.getElementById("send");
const summary = document.getElementById("summary");
const table = document.getElementById("calls");

button.hidden = false;
button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    show(await Promise.all(Array.from({ length: CALLS }, call)));
  } finally {
    button.disabled = false;
  }
});

async function call() {
  const begun = performance.now();
  try {
    const response = await sessionFetch("/api/me", { headers: { Accept: "application/json" } });
    const me = await response.json();
    const refresh = /refresh;desc="(\w+)"/.exec(response.headers.get("Server-Timing") ?? "");
    return {
      ok: response.ok,
      answer: response.ok ? `${response.status}, ${me.name}` : `${response.status}, ${me.code}`,
      after: performance.now() - begun,
      refresh: refresh?.[1] ?? null,
    };
  } catch (error) {
    const answer = error instanceof SessionEndedError ? `session over: ${error.reason ?? "not signed in"}` : "no answer";
    return { ok: false, answer, after: performance.now() - begun, refresh: null };
  }
}

function show(results) {
  table.tBodies[0].replaceChildren(...results.map(row));
  table.hidden = false;

  const answered = results.filter(({ ok }) => ok).length;
  const slowest = Math.max(...results.map(({ after }) => after));
  const refreshed = results.filter(({ refresh }) => refresh).length;
  summary.textContent =
    `${answered === CALLS ? "All ten" : `${answered} of ten`} succeeded, the slowest after ${milliseconds(slowest)}. ` +
    (refreshed === 0
      ? "The access token was in force: nothing was refreshed."
      : `The access token had expired: one refresh served ${refreshed === CALLS ? "them all" : `${refreshed} of them`}.`);
  summary.classList.toggle("problem", answered < CALLS);
  summary.hidden = false;
}

function row({ answer, after, refresh }, index) {
  const cells = document.createElement("tr");
  for (const text of [index + 1, answer, milliseconds(after), refresh ?? "as it was"]) {
    cells.insertCell().textContent = text;
  }

  return cells;
}

function milliseconds(time) {
  return `${Math.round(time)} ms`;
}
