// sessionFetch against a real server on a socket: what a queue before a refresh can get wrong, and must not.
import assert from "node:assert/strict";
import { AWAY, EXPIRED, FakeSite, Gate, REVOKED, test } from "./fake-site.mjs";

const TEN = Array.from({ length: 10 }, (_, index) => `/proxy/api/${index}`);

test("ten calls that meet an expired token share one refresh and are sent again once", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, navigations } = await site.page();
  const answers = await Promise.all(TEN.map((path) => sessionFetch(site.url(path))));

  assert.deepEqual(answers.map((answer) => answer.status), TEN.map(() => 200));
  assert.equal(site.refreshes, 1);
  TEN.forEach((path) => assert.ok(site.count(path) <= 2, path));
  assert.deepEqual(navigations, []);
});

test("the refresh is a POST without a body that says it comes from a script", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  await sessionFetch(site.url("/proxy/api/1"));

  const { method, headers, body } = site.requests.find(({ path }) => path === "/api/auth/token/refresh/");
  assert.deepEqual([method, body], ["POST", ""]);
  assert.ok(headers["x-requested-with"]);
});

test("a network error without a response is the caller's, and no reason to refresh", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, navigations } = await site.page();
  site.api = async () => ({ hangUp: true });

  await assert.rejects(sessionFetch(site.url("/proxy/api/1")), TypeError);
  assert.equal(site.refreshes, 0);
  assert.deepEqual(navigations, []);
});

test("a page that puts sessionFetch in fetch's place does not make the refresh wait for itself", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, SessionEndedError } = await site.page();
  site.refresh = async () => REVOKED;
  const original = globalThis.fetch;
  t.after(() => (globalThis.fetch = original));
  globalThis.fetch = sessionFetch;

  await assert.rejects(fetch(site.url("/proxy/api/1")), SessionEndedError);
  assert.equal(site.refreshes, 1);
});

test("a refresh that somebody asks for by hand is not followed by another", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  site.refresh = async () => REVOKED;

  assert.equal((await sessionFetch(site.url("/api/auth/token/refresh/"), { method: "POST" })).status, 401);
  assert.equal(site.refreshes, 1);
});

for (const [what, answer] of [
  ["503", AWAY],
  ["a connection that is cut", { hangUp: true }],
  ["a page of some proxy's", { status: 401 }],
  ["403", { status: 403, json: { code: "permission_denied" } }],
]) {
  test(`the queue drains when the refresh meets ${what}, nobody is signed out, and the next call refreshes`, async (t) => {
    const site = await FakeSite.start(t);
    const { sessionFetch, navigations } = await site.page();
    const gate = new Gate();
    site.refresh = async () => (await gate.pass(), answer);
    const calls = TEN.map((path) => sessionFetch(site.url(path)));
    await gate.arrived();
    gate.open();

    const answers = await Promise.all(calls);
    assert.deepEqual(answers.map(({ status }) => status), TEN.map(() => 401));
    assert.equal((await answers[0].json()).code, "token_not_valid");
    assert.deepEqual(navigations, []);

    site.refresh = async () => ({ status: 204 });
    assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
  });
}

test("a refresh that never answers is given up, and the queue drains", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, navigations } = await site.page({ refreshTimeout: 100 });
  site.refresh = () => new Gate().pass();

  const answers = await Promise.all(TEN.map((path) => sessionFetch(site.url(path))));
  assert.deepEqual(answers.map(({ status }) => status), TEN.map(() => 401));
  assert.deepEqual(navigations, []);

  site.refresh = async () => ({ status: 204 });
  assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
});

test("a 401 that comes after the refresh, to a call sent before it, costs no second refresh", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  const late = new Gate();
  let isFirst = true;
  const api = site.api;
  site.api = async ({ path }) => {
    if (path === "/proxy/api/late" && isFirst) {
      isFirst = false;
      await late.pass();
      return EXPIRED;
    }

    return api();
  };
  const slow = sessionFetch(site.url("/proxy/api/late"));
  await late.arrived();
  assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
  late.open();

  assert.equal((await slow).status, 200);
  assert.equal(site.refreshes, 1);
});

test("a call that is refused again after the refresh is the caller's to judge, and not tried for ever", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  site.api = async () => EXPIRED;

  assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 401);
  assert.deepEqual([site.count("/proxy/api/1"), site.refreshes], [2, 1]);
});

test("a stream is not sent twice, and its sender is told after the refresh", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  const body = new Blob(["once"]).stream();

  const call = sessionFetch(site.url("/proxy/api/1"), { method: "POST", body, duplex: "half" });
  await assert.rejects(call, (error) => error instanceof TypeError && /stream/.test(error.message) && error.cause.status === 401);
  assert.deepEqual([site.count("/proxy/api/1"), site.refreshes, site.isFresh], [1, 1, true]);
});

test("every other body is sent again as it was", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();
  const form = new FormData();
  form.set("text", "a note");
  const bodies = ["a note", new Blob(["a note"]), new URLSearchParams({ text: "a note" }), form];
  for (const body of bodies) {
    site.isFresh = false;
    assert.equal((await sessionFetch(site.url("/proxy/api/1"), { method: "POST", body })).status, 200);
  }

  site.isFresh = false;
  assert.equal((await sessionFetch(new Request(site.url("/proxy/api/1"), { method: "POST", body: "a note" }))).status, 200);
  const sent = site.requests.filter(({ path }) => path === "/proxy/api/1").map(({ body }) => body.replaceAll(/-+[-\w]*\d{6,}/g, "--"));
  assert.equal(sent.length, 10);
  for (let index = 0; index < sent.length; index += 2) {
    assert.match(sent[index], /a.note/);
    assert.equal(sent[index], sent[index + 1]);
  }
});

for (const [how, input] of [
  ["by the signal that came with it", (url, signal) => [url, { signal }]],
  ["by the signal of its Request", (url, signal) => [new Request(url, { signal })]],
]) {
  test(`a call that is aborted in the queue ${how} ends at once and is not sent again, and the others go on`, async (t) => {
    const site = await FakeSite.start(t);
    const { sessionFetch } = await site.page();
    const gate = new Gate();
    site.refresh = async () => (await gate.pass(), { status: 204 });
    const abort = new AbortController();
    const aborted = sessionFetch(...input(site.url("/proxy/api/aborted"), abort.signal));
    await gate.arrived();
    const other = sessionFetch(site.url("/proxy/api/1"), { signal: new AbortController().signal });
    abort.abort();

    // The refresh that it asked for is under way and stays so until here.
    await assert.rejects(aborted, { name: "AbortError" });
    gate.open();
    assert.equal((await other).status, 200);
    assert.deepEqual([site.count("/proxy/api/aborted"), site.refreshes], [1, 1]);
  });
}

test("a dead session fails all calls with one error and leaves for the sign-in page once", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, SessionEndedError, navigations } = await site.page();
  const refresh = new Gate();
  const late = new Gate();
  site.refresh = async () => (await refresh.pass(), REVOKED);
  site.api = async ({ path }) => (path === "/proxy/api/late" && (await late.pass()), EXPIRED);
  const slow = sessionFetch(site.url("/proxy/api/late"));
  await late.arrived();
  const calls = TEN.map((path) => sessionFetch(site.url(path)));
  await refresh.arrived();
  refresh.open();
  const errors = (await Promise.allSettled(calls)).map(({ reason }) => reason);
  late.open();
  errors.push(await slow.catch((error) => error));

  assert.ok(errors.every((error) => error instanceof SessionEndedError && error === errors[0]));
  assert.deepEqual([errors[0].name, errors[0].reason], ["SessionEndedError", "revoked"]);
  assert.deepEqual(navigations, ["/login?reason=revoked&returnUrl=%2Fnotes%3Fpage%3D2%23last"]);
  assert.equal(errors[0].loginUrl, navigations[0]);
  assert.equal(site.refreshes, 1);
});

test("a browser without any cookies is asked to sign in, without a reason", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, navigations } = await site.page();
  site.refresh = async () => ({ status: 401, json: { code: "not_authenticated" } });

  await assert.rejects(sessionFetch(site.url("/proxy/api/1")), { reason: null });
  assert.deepEqual(navigations, ["/login?returnUrl=%2Fnotes%3Fpage%3D2%23last"]);
});

test("after a session has ended a later call finds out anew, for somebody may have signed in elsewhere", async (t) => {
  const site = await FakeSite.start(t);
  const { sessionFetch, SessionEndedError } = await site.page();
  site.refresh = async () => REVOKED;
  await assert.rejects(sessionFetch(site.url("/proxy/api/1")), SessionEndedError);

  site.refresh = async () => ({ status: 204 });
  assert.equal((await sessionFetch(site.url("/proxy/api/1"))).status, 200);
});

for (const [what, json] of [
  ["says something else", { code: "not_authenticated" }],
  ["is no JSON", undefined],
]) {
  test(`a 401 that ${what} passes untouched`, async (t) => {
    const site = await FakeSite.start(t);
    const { sessionFetch } = await site.page();
    site.api = async () => ({ status: 401, json });

    const answer = await sessionFetch(site.url("/proxy/api/1"));
    assert.deepEqual([answer.status, await answer.text()], [401, json ? JSON.stringify(json) : ""]);
    assert.equal(site.refreshes, 0);
  });
}

test("a 401 of another site passes untouched, for its session is none of ours", async (t) => {
  const other = await FakeSite.start(t);
  const site = await FakeSite.start(t);
  const { sessionFetch } = await site.page();

  assert.equal((await sessionFetch(other.url("/proxy/api/1"))).status, 401);
  assert.deepEqual([site.refreshes, other.refreshes], [0, 0]);
});
