// A site of one test: answers as the test tells it to, keeps requests waiting while the test likes, and counts them.
import { createServer } from "node:http";
import { once } from "node:events";
import { test as nodeTest } from "node:test";

/** A test that fails by its name, and not with its whole file, when it hangs. */
export const test = (name, work) => nodeTest(name, { timeout: 15_000 }, work);

export const EXPIRED = { status: 401, json: { detail: "The session is over.", code: "token_not_valid", reason: "expired" } };
export const REVOKED = { status: 401, json: { detail: "The session is over.", code: "token_not_valid", reason: "revoked" } };
export const AWAY = { status: 503, json: { detail: "Please try again.", code: "temporarily_unavailable" } };
const NO_CONTENT = { status: 204 };

let modules = 0;

/** Stops whoever comes by until it is opened, and tells when the n-th has arrived. */
export class Gate {
  #arrivals = [];
  #count = 0;
  #opened = withResolvers();

  arrived(count = 1) {
    const arrival = withResolvers();
    this.#arrivals.push({ count, arrival });
    this.#tell();
    return arrival.promise;
  }

  open() {
    this.#opened.resolve();
  }

  pass() {
    this.#count++;
    this.#tell();
    return this.#opened.promise;
  }

  #tell() {
    this.#arrivals.filter(({ count }) => count <= this.#count).forEach(({ arrival }) => arrival.resolve());
  }
}

/**
 * A site whose access token has expired, and a page of it. Every path answers 401 until a refresh has been answered with 204.
 * The page's module is one of its own, as every tab has.
 */
export class FakeSite {
  requests = [];
  isFresh = false;
  /** What the refresh answers; may wait. */
  refresh = async () => NO_CONTENT;
  /** What everything else answers; may wait. */
  api = async () => (this.isFresh ? { status: 200, json: { ok: true } } : EXPIRED);

  static async start(t) {
    const site = new FakeSite();
    site.server = createServer((request, response) => site.#answer(request, response));
    site.server.listen(0, "127.0.0.1");
    await once(site.server, "listening");
    site.origin = `http://127.0.0.1:${site.server.address().port}`;
    globalThis.location = new URL("/notes?page=2#last", site.origin);
    t.after(() => {
      site.server.closeAllConnections();
      site.server.close();
    });
    return site;
  }

  /** A page with a module of its own, which writes down where it navigates to. */
  async page(changes = {}) {
    const client = await import(`../../wwwroot/js/session-client.js?page=${++modules}`);
    const navigations = [];
    Object.assign(client.settings, { navigate: (url) => navigations.push(url), ...changes });
    return { ...client, navigations };
  }

  url(path) {
    return new URL(path, this.origin).href;
  }

  /** How often a path was asked for. */
  count(path) {
    return this.requests.filter((request) => request.path === path).length;
  }

  get refreshes() {
    return this.count("/api/auth/token/refresh/");
  }

  async #answer(request, response) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const seen = { path: request.url, method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.requests.push(seen);
    const isRefresh = request.url === "/api/auth/token/refresh/";
    const { status, json, hangUp } = await (isRefresh ? this.refresh(seen) : this.api(seen));
    if (hangUp) {
      request.socket.destroy();
      return;
    }

    this.isFresh ||= isRefresh && status === 204;
    response.writeHead(status, json ? { "Content-Type": "application/problem+json" } : {});
    response.end(json ? JSON.stringify(json) : undefined);
  }
}

function withResolvers() {
  const resolvers = {};
  resolvers.promise = new Promise((resolve, reject) => Object.assign(resolvers, { resolve, reject }));
  return resolvers;
}
