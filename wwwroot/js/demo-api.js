// The page /demo/api: ten calls at once, and what became of each. What it says stands in the page, in the reader's language.
import { SessionEndedError, sessionFetch } from "./session-client.js";

const CALLS = 10;
const button = document.getElementById("send");
const summary = document.getElementById("summary");
const table = document.getElementById("calls");
const says = { ...summary.dataset, ...table.dataset };

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
    const answer = error instanceof SessionEndedError ? filled(says.sessionOver, error.reason ?? says.notSignedIn) : says.noAnswer;
    return { ok: false, answer, after: performance.now() - begun, refresh: null };
  }
}

function show(results) {
  table.tBodies[0].replaceChildren(...results.map(row));
  table.hidden = false;

  const answered = results.filter(({ ok }) => ok).length;
  const slowest = Math.max(...results.map(({ after }) => after));
  const refreshed = results.filter(({ refresh }) => refresh).length;
  const outcome = answered === CALLS
    ? filled(says.allSucceeded, milliseconds(slowest))
    : filled(says.someSucceeded, answered, milliseconds(slowest));
  const refresh = refreshed === 0 ? says.nothingRefreshed : refreshed === CALLS ? says.allServed : filled(says.someServed, refreshed);
  summary.textContent = `${outcome} ${refresh}`;
  summary.classList.toggle("problem", answered < CALLS);
  summary.hidden = false;
}

function row({ answer, after, refresh }, index) {
  const cells = document.createElement("tr");
  for (const text of [index + 1, answer, milliseconds(after), refresh ?? says.asItWas]) {
    cells.insertCell().textContent = text;
  }

  return cells;
}

function filled(text, ...values) {
  return text.replace(/\{(\d)\}/g, (_, place) => values[place]);
}

function milliseconds(time) {
  return `${Math.round(time)} ms`;
}
