// Calls that outlive the access token: `sessionFetch` is fetch, and `attach` teaches an Axios instance the same.
//
// This site's own API refreshes by cookie before it answers, so from there a 401 `token_not_valid` means that the session is over,
// and this module turns it into one error and one way to the sign-in page. APIs that judge the access token and leave the refresh to
// their caller, as those below /proxy/api/ do, answer 401 whenever it has expired: for them one refresh runs and the calls are sent again.

/** What a page may change, before its first call. Times in milliseconds. */
export const settings = {
  refreshUrl: "/api/auth/token/refresh/",
  loginUrl: "/login",
  /** How long a refresh may take. The server gives up earlier, and then says 503. */
  refreshTimeout: 10_000,
  /** How long a tab lets another one refresh before it does so itself: the other may be frozen. */
  tabWait: 3_000,
  /** Called once per page. */
  navigate: (url) => location.assign(url),
};

/** The session is over, whatever is tried: sign in again at `loginUrl`. `reason` is the server's word for why, or null. */
export class SessionEndedError extends Error {
  name = "SessionEndedError";

  constructor(reason, loginUrl) {
    super(`The session is over (${reason ?? "not signed in"}). Please sign in again.`);
    this.reason = reason;
    this.loginUrl = loginUrl;
  }
}

// Taken before a page can put sessionFetch in fetch's place, which would make the refresh wait for itself.
const send = globalThis.fetch.bind(globalThis);

const REFRESHED = { kind: "refreshed" };
const UNAVAILABLE = { kind: "unavailable" };
const ONCE = "The session was refreshed, but the body of this request is a stream that cannot be sent twice. Please send it again.";

/** How often this page has learned what became of the session. A 401 to a request of an earlier epoch is old news. */
let epoch = 0;
let latest = REFRESHED;
let flight = null;
let hearNews = null;
let hasLeft = false;

/** How tabs tell each other what the server has answered. */
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel("session-client") : null;
channel?.unref?.(); // Node would wait for it.
channel?.addEventListener("message", ({ data }) => {
  const news = conclude(data);
  hearNews?.(news);
});

// A page that the back button brings back may leave again.
globalThis.addEventListener?.("pageshow", (event) => (hasLeft &&= !event.persisted));

/**
 * As fetch; a call that meets an expired access token is sent again after the refresh. Rejects with SessionEndedError if the session
 * is over. If nobody can say, because the refresh failed or took too long, the 401 is returned as it came.
 */
export async function sessionFetch(input, init) {
  // Sending uses up a Request that has a body.
  const again = input instanceof Request ? input.clone() : input;
  const sentIn = epoch;
  const response = await send(input, init);
  if (response.status !== 401 || !isOurs(response.url) || !(await isExpired(response.clone().body))) {
    return response;
  }

  const outcome = await unlessAborted(outcomeSince(sentIn), init?.signal ?? input.signal);
  return goOn(outcome, response, init?.body, () => response, () => send(again, init));
}

/**
 * Teaches an Axios instance the same. Attach before other response interceptors: they then see only what came of it in the end.
 * A response read as a stream is left alone, because looking into it would use it up.
 */
export function attach(instance) {
  // Has no interceptors, ours included: what it sends is sent once more and no oftener, and no mark on a config has to say so.
  const plain = instance.create();
  instance.interceptors.request.use((config) => Object.assign(config, { sentInEpoch: epoch }));

  async function heal(response, asItCame) {
    const config = response.config;
    if (response.status !== 401 || !isOurs(plain.getUri(config)) || isOneTime(response.data) || !(await isExpired(response.data))) {
      return asItCame();
    }

    // The body is as it was sent, so it must not be transformed again.
    const sendAgain = () => plain.request({ ...config, transformRequest: (data) => data });
    let outcome;
    try {
      outcome = await unlessAborted(outcomeSince(config.sentInEpoch), config.signal);
    } catch {
      // Aborted: Axios sees that, says so in its own words, and sends nothing.
      return sendAgain();
    }

    return goOn(outcome, response, config.data, asItCame, sendAgain);
  }

  const fail = (error) => Promise.reject(error);
  instance.interceptors.response.use(
    (response) => heal(response, () => response),
    // Without a response there was no answer at all, and nothing to heal.
    (error) => (error?.response ? heal(error.response, () => fail(error)) : fail(error)),
  );
}

/** What follows for one of the requests that waited. */
function goOn(outcome, response, body, asItCame, sendAgain) {
  if (outcome.kind === "ended") {
    throw leave(outcome.error);
  }

  if (outcome.kind === "refreshed" && isOneTime(body)) {
    throw new TypeError(ONCE, { cause: response });
  }

  return outcome.kind === "refreshed" ? sendAgain() : asItCame();
}

/** What became of the session since a request was sent; if that is not known, one refresh for all who ask finds out. */
function outcomeSince(sentIn) {
  if (sentIn !== epoch) {
    return Promise.resolve(latest);
  }

  flight ??= refresh()
    .catch(() => UNAVAILABLE)
    .finally(() => (flight = null));
  return flight;
}

async function refresh() {
  const turn = await takeTurn();
  if (turn.news) return turn.news;
  const answer = await ask().catch(() => UNAVAILABLE);

  // News travels beside the lock: with this head start nobody is given the lock who should have had the news.
  setTimeout(() => turn.release?.(), answer === UNAVAILABLE ? 0 : 250);
  if (answer === UNAVAILABLE) return answer;
  channel?.postMessage(answer);
  return conclude(answer);
}

/** Asks the server. Only its own word ends a session: a 503, a proxy's page, or silence does not. */
async function ask() {
  const response = await send(new URL(settings.refreshUrl, location.href), {
    method: "POST",
    credentials: "same-origin",
    redirect: "error",
    cache: "no-store",
    headers: { "X-Requested-With": "session-client", Accept: "application/json" },
    signal: AbortSignal.timeout(settings.refreshTimeout),
  });
  if (response.ok) {
    return { kind: "refreshed" };
  }

  const { code, reason } = response.status === 401 ? await response.json() : {};
  return code === "token_not_valid" || code === "not_authenticated" ? { kind: "ended", reason: reason ?? null } : UNAVAILABLE;
}

/** Takes note of the server's answer to this tab or another one. */
function conclude({ kind, reason }) {
  epoch++;
  latest = kind === "ended" ? { kind, error: new SessionEndedError(reason, loginUrl(reason)) } : REFRESHED;
  return latest;
}

/**
 * The turn to refresh. Locks and news between tabs only save work: the server makes a race of tabs safe. So a tab that is frozen or
 * slow keeps the others for `tabWait` at most, and a browser without locks goes on at once.
 */
function takeTurn() {
  if (!globalThis.navigator?.locks) return {};
  return new Promise((resolve) => {
    const waiting = new AbortController();
    let isWaiting = true;
    const stop = (turn) => {
      isWaiting = false;
      clearTimeout(patience);
      hearNews = null;
      waiting.abort();
      resolve(turn);
    };
    const patience = setTimeout(() => stop({}), settings.tabWait);
    hearNews = (news) => stop({ news });
    navigator.locks
      .request("session-client", { signal: waiting.signal }, () =>
        // Granted in the moment of giving up: given back at once.
        isWaiting ? new Promise((release) => stop({ release })) : undefined,
      )
      .catch(() => isWaiting && stop({}));
  });
}

/** A body that is gone once it was sent or read: a stream of the browser, or of Node. */
function isOneTime(body) {
  return body instanceof ReadableStream || typeof body?.pipe === "function";
}

/** Whether the answer is of this site, whose session alone a refresh can mend, and not that of the refresh itself. */
function isOurs(url) {
  const { origin, pathname } = new URL(url, location.href);
  return origin === location.origin && pathname !== new URL(settings.refreshUrl, location.href).pathname;
}

/** Whether the body of a 401, parsed or not, says that the access token has ended. */
async function isExpired(body) {
  try {
    return (body?.code ?? (await new Response(body).json()).code) === "token_not_valid";
  } catch {
    return false;
  }
}

/** Waits no longer than the caller wants to; the others go on waiting. */
function unlessAborted(promise, signal) {
  return new Promise((resolve, reject) => {
    const leaveQueue = () => reject(signal.reason);
    if (signal?.aborted) leaveQueue();
    signal?.addEventListener("abort", leaveQueue, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener("abort", leaveQueue));
  });
}

function loginUrl(reason) {
  const query = new URLSearchParams(reason ? { reason } : {});
  query.set("returnUrl", location.pathname + location.search + location.hash);
  return `${settings.loginUrl}?${query}`;
}

/** Goes to the sign-in page, once, and in a moment: a page that cannot go there still fails as it should. */
function leave(error) {
  if (!hasLeft) {
    hasLeft = true;
    queueMicrotask(() => settings.navigate(error.loginUrl));
  }

  return error;
}
