// The same with a real Axios: the interceptor's own ways to go wrong.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import axios from "axios";
import { AWAY, EXPIRED, FakeSite, Gate, REVOKED, test } from "./fake-site.mjs";

const TEN = Array.from({ length: 10 }, (_, index) => `/proxy/api/${index}`);

async function start(t, changes) {
  const site = await FakeSite.start(t);
  const page = await site.page(changes);
  const api = axios.create({ baseURL: site.origin });
  page.attach(api);
  return { site, page, api };
}

test("ten calls that meet an expired token share one refresh and are sent again once", async (t) => {
  const { site, page, api } = await start(t);
  const answers = await Promise.all(TEN.map((path) => api.get(path)));

  assert.deepEqual(answers.map(({ status }) => status), TEN.map(() => 200));
  assert.equal(site.refreshes, 1);
  assert.deepEqual(page.navigations, []);
});

test("calls by Axios and by sessionFetch wait in one queue", async (t) => {
  const { site, page, api } = await start(t);
  const gate = new Gate();
  site.refresh = async () => (await gate.pass(), { status: 204 });
  const calls = [api.get("/proxy/api/1"), page.sessionFetch(site.url("/proxy/api/2"))];
  await gate.arrived();
  gate.open();

  assert.deepEqual((await Promise.all(calls)).map(({ status }) => status), [200, 200]);
  assert.equal(site.refreshes, 1);
});

test("a network error without a response stays what it is", async (t) => {
  const { site, api } = await start(t);
  site.api = async () => ({ hangUp: true });

  await assert.rejects(api.get("/proxy/api/1"), (error) => axios.isAxiosError(error) && error.response === undefined);
  assert.equal(site.refreshes, 0);
});

test("a refresh that somebody sends through the instance is not caught by its interceptor", async (t) => {
  const { site, page, api } = await start(t);
  site.refresh = async () => REVOKED;

  await assert.rejects(api.post("/api/auth/token/refresh/"), (error) => error.response.status === 401);
  assert.equal(site.refreshes, 1);
  assert.deepEqual(page.navigations, []);
});

test("the queue drains when the refresh fails: every call rejects as if nobody had tried", async (t) => {
  const { site, page, api } = await start(t);
  site.refresh = async () => AWAY;

  const answers = await Promise.allSettled(TEN.map((path) => api.get(path)));
  assert.ok(answers.every(({ reason }) => axios.isAxiosError(reason) && reason.response.data.code === "token_not_valid"));
  assert.deepEqual(page.navigations, []);

  site.refresh = async () => ({ status: 204 });
  assert.equal((await api.get("/proxy/api/1")).status, 200);
});

test("a refresh that never answers is given up", async (t) => {
  const { site, api } = await start(t, { refreshTimeout: 100 });
  site.refresh = () => new Gate().pass();

  await assert.rejects(api.get("/proxy/api/1"), (error) => error.response.status === 401);
});

test("a 401 that comes after the refresh, to a call sent before it, costs no second refresh", async (t) => {
  const { site, api } = await start(t);
  const late = new Gate();
  let isFirst = true;
  const fresh = site.api;
  site.api = async ({ path }) => {
    if (path === "/proxy/api/late" && isFirst) {
      isFirst = false;
      await late.pass();
      return EXPIRED;
    }

    return fresh();
  };
  const slow = api.get("/proxy/api/late");
  await late.arrived();
  await api.get("/proxy/api/1");
  late.open();

  assert.equal((await slow).status, 200);
  assert.equal(site.refreshes, 1);
});

test("a config object that calls share is left as it was and heals at every expiry", async (t) => {
  const { site, api } = await start(t);
  const shared = Object.freeze({ url: "/proxy/api/1", headers: Object.freeze({ "X-Shared": "yes" }) });
  let answers = await Promise.all([api.request(shared), api.request(shared)]);
  for (let expiry = 2; expiry <= 3; expiry++) {
    site.isFresh = false;

    // The caller's own object, and the one that came back with the answer of the time before.
    answers = await Promise.all([api.request(shared), api.request(answers[0].config)]);
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
    assert.equal(site.refreshes, expiry);
  }
});

test("a call that is refused again after the refresh is not tried for ever", async (t) => {
  const { site, api } = await start(t);
  site.api = async () => EXPIRED;

  await assert.rejects(api.get("/proxy/api/1"), (error) => error.response.status === 401);
  assert.deepEqual([site.count("/proxy/api/1"), site.refreshes], [2, 1]);
});

test("a stream is not sent twice, and its sender is told after the refresh", async (t) => {
  const { site, api } = await start(t);
  await assert.rejects(
    api.post("/proxy/api/1", Readable.from(["once"])),
    (error) => error instanceof TypeError && error.cause.status === 401,
  );
  assert.deepEqual([site.count("/proxy/api/1"), site.isFresh], [1, true]);
});

test("a body is transformed once and sent again as it was, and an interceptor of the page's own sees one answer", async (t) => {
  const { site, api } = await start(t);
  let transformed = 0;
  const seen = [];
  api.defaults.transformRequest.unshift((data) => (transformed++, data));
  api.interceptors.response.use((response) => (seen.push(response.status), response));
  await api.post("/proxy/api/1", { text: "a note" });

  const [first, again] = site.requests.filter(({ path }) => path === "/proxy/api/1");
  assert.equal(first.body, '{"text":"a note"}');
  assert.deepEqual([again.body, again.headers["content-type"]], [first.body, first.headers["content-type"]]);
  assert.deepEqual([transformed, seen], [1, [200]]);
});

test("a call that is aborted in the queue ends at once and is not sent again, and the others go on", async (t) => {
  const { site, api } = await start(t);
  const gate = new Gate();
  site.refresh = async () => (await gate.pass(), { status: 204 });
  const abort = new AbortController();
  const aborted = api.get("/proxy/api/aborted", { signal: abort.signal });
  await gate.arrived();
  const other = api.get("/proxy/api/1");
  abort.abort();

  // The refresh that it asked for is under way and stays so until here.
  await assert.rejects(aborted, axios.isCancel);
  gate.open();
  assert.equal((await other).status, 200);
  assert.deepEqual([site.count("/proxy/api/aborted"), site.refreshes], [1, 1]);
});

test("a dead session fails all calls with one error and leaves for the sign-in page once", async (t) => {
  const { site, page, api } = await start(t);
  const gate = new Gate();
  site.refresh = async () => (await gate.pass(), REVOKED);
  const calls = TEN.map((path) => api.get(path));
  await gate.arrived();
  gate.open();

  const errors = (await Promise.allSettled(calls)).map(({ reason }) => reason);
  assert.ok(errors.every((error) => error instanceof page.SessionEndedError && error.reason === "revoked"));
  assert.deepEqual([site.refreshes, page.navigations.length], [1, 1]);
});

for (const [what, config] of [
  ["as bytes", { responseType: "arraybuffer" }],
  ["as text", { responseType: "text", transformResponse: [] }],
  ["with every status allowed", { validateStatus: () => true }],
  ["by the fetch adapter", { adapter: "fetch" }],
]) {
  test(`a call made ${what} heals too`, async (t) => {
    const { site, api } = await start(t);
    assert.equal((await api.get("/proxy/api/1", config)).status, 200);
    assert.equal(site.refreshes, 1);
  });
}

test("a 401 that says something else passes untouched", async (t) => {
  const { site, api } = await start(t);
  site.api = async () => ({ status: 401, json: { code: "not_authenticated" } });

  await assert.rejects(api.get("/proxy/api/1"), (error) => error.response.data.code === "not_authenticated");
  assert.equal(site.refreshes, 0);
});
